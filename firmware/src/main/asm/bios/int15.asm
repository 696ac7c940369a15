; SPDX-License-Identifier: Apache-2.0
;
; int 15h, system services: how much memory there is, the A20 gate, a short wait.

int15_system:
        cmp     ax, 0xE820
        je      int15_e820
        cmp     ax, 0xE801
        je      int15_e801
        cmp     ah, 0x88
        je      int15_88
        cmp     ah, 0x24
        je      int15_a20
        cmp     ah, 0x86
        je      int15_wait

; C0h (configuration table), EC00h (AMD's operating mode notice), E980h (SpeedStep), 53h
; (APM), 87h (block move) and everything else: not supported.
int15_unsupported:
        mov     ah, 0x86
        IRET_CF_SET

; AX=E820h, memory map (ACPI specification, "Query System Address Map").
; In:  EBX = continuation, here the entry's index; ECX = buffer bytes; EDX = 'SMAP'; ES:DI
; Out: EAX = 'SMAP'; EBX = next index or 0 at the last; ECX = bytes written, 20 or 24
int15_e820:
        cmp     edx, "PAMS"             ; 'SMAP' as a number: S is the high byte
        jne     int15_unsupported
        cmp     ecx, E820_ENTRY_BYTES
        jb      int15_unsupported
        movzx   eax, word [cs:param_e820_count]
        cmp     ebx, eax
        jae     int15_e820_bad_index
        push    si
        push    di
        push    ds
        push    cs
        pop     ds
        push    ecx
        imul    si, bx, E820_ENTRY_BYTES
        add     si, param_e820
        mov     ecx, E820_ENTRY_BYTES / 4
        cld
        rep movsd
        pop     ecx
        cmp     ecx, E820_ENTRY_BYTES + 4
        mov     ecx, E820_ENTRY_BYTES
        jb      .short
        mov     dword [es:di], 1        ; ACPI 3.0 extended attributes: do not ignore
        mov     cl, E820_ENTRY_BYTES + 4
.short:
        pop     ds
        pop     di
        pop     si
        inc     bx
        cmp     bx, ax
        jb      .more
        xor     ebx, ebx
.more:
        mov     eax, edx
        IRET_CF_CLEAR

int15_e820_bad_index:
        xor     ebx, ebx
        jmp     int15_unsupported

; AX=E801h: AX = CX = KiB from 1 MiB to 16 MiB, BX = DX = 64 KiB blocks from 16 MiB
int15_e801:
        mov     ax, [cs:param_e801_low_kib]
        mov     bx, [cs:param_e801_high_64kib]
        mov     cx, ax
        mov     dx, bx
        IRET_CF_CLEAR

; AH=88h: AX = KiB from 1 MiB
int15_88:
        mov     ax, [cs:param_extended_kib]
        IRET_CF_CLEAR

; AX=2400h..2403h. The address line is always enabled here.
int15_a20:
        cmp     al, 1
        je      .done                   ; enable
        cmp     al, 2
        je      .status
        cmp     al, 3
        je      .support
        cmp     al, 0
        jne     int15_unsupported
        mov     ah, 1                   ; disable: refused
        IRET_CF_SET
.status:
        mov     al, 1
        jmp     .done
.support:
        mov     bx, 3                   ; by keyboard controller and by port 92h
.done:
        mov     ah, 0
        IRET_CF_CLEAR

; AH=86h: waits CX:DX microseconds by reading the timer's counter, so it works with
; interrupts off. One microsecond is 1.193 counts; 1.2 are waited for.
int15_wait:
        push    eax
        push    ebx
        push    ecx
        push    edx
        push    esi
        push    edi
        shl     ecx, 16
        mov     cx, dx
        mov     eax, ecx
        xor     edx, edx
        mov     ebx, 5
        div     ebx
        add     eax, ecx                ; counts to wait for
        jnc     .no_overflow
        mov     eax, -1
.no_overflow:
        mov     edi, eax
        xor     esi, esi                ; reads that showed no progress
        call    read_timer
        mov     bx, ax
.poll:
        call    read_timer
        mov     cx, bx
        sub     cx, ax                  ; the counter runs down, modulo 65536
        mov     bx, ax
        jz      .stuck
        xor     si, si
        movzx   ecx, cx
        sub     edi, ecx
        ja      .poll
        clc
        jmp     .done
.stuck:
        inc     si
        jnz     .poll
        stc
.done:
        pop     edi
        pop     esi
        pop     edx
        pop     ecx
        pop     ebx
        pop     eax
        jc      int15_unsupported
        mov     ah, 0
        IRET_CF_CLEAR

; AX = counter 0 of the timer
read_timer:
        mov     al, 0                   ; latch counter 0
        out     PIT_CONTROL, al
        in      al, PIT_COUNTER0
        mov     ah, al
        in      al, PIT_COUNTER0
        xchg    al, ah
        ret
