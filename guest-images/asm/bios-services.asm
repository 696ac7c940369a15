; SPDX-License-Identifier: Apache-2.0
;
; Stands in for Linux's setup code (the mini BIOS enters it like one, at offset 0x200 of the
; setup segment) and calls every service that the BIOS offers: prints a line "NAME: ok" or
; "NAME: FAIL" for each through int 10h, then "PASS" or "FAIL", and returns, upon which the
; BIOS prints its own line and resets the machine.

        bits    16
        org     0

SMAP            equ     0x534D4150
buffer          equ     0x1000          ; of this segment

; The line for text %1: "ok" if every CHECK since the last one held.
%macro VERDICT 1
        mov     si, %1
        call    verdict
%endmacro

%macro CHECK 1
        j%1     %%fine
        mov     byte [cs:failed], 1
%%fine:
%endmacro

        times   0x200 db 0
        jmp     short start
        db      "HdrS"                  ; offset 0x202: what the BIOS looks for

start:
        cld
        mov     ax, cs
        sub     ax, 0x20                ; entered with CS 0x20 paragraphs above the segment
        push    ax
        push    word entered
        retf
entered:
        mov     bx, ds
        cmp     ax, bx
        CHECK   e
        mov     bx, es
        cmp     ax, bx
        CHECK   e
        mov     bx, ss
        cmp     ax, bx
        CHECK   e
        mov     bx, fs
        cmp     ax, bx
        CHECK   e
        mov     bx, gs
        cmp     ax, bx
        CHECK   e
        pushf
        pop     ax
        test    ax, 0x200               ; interrupts are off
        CHECK   z
        VERDICT text_entry

        int     0x12
        cmp     ax, 640
        CHECK   be
        cmp     ax, 512
        CHECK   ae
        mov     bx, ax
        push    ds
        mov     cx, 0x40
        mov     ds, cx
        cmp     [0x13], ax
        CHECK   e
        pop     ds
        int     0x11
        test    ax, 1 << 9
        CHECK   nz
        VERDICT text_memory

; E820h: the count of entries is small, the first starts at 0, all answers are well formed
        xor     ebx, ebx
        xor     bp, bp
.e820:
        mov     eax, 0xDEADE820
        mov     ax, 0xE820
        mov     edx, SMAP
        mov     ecx, 20
        mov     di, buffer
        mov     dword [di + 20], 0x55AA55AA
        clc
        int     0x15
        CHECK   nc
        jc      .e820_end
        cmp     eax, SMAP
        CHECK   e
        cmp     ecx, 20
        CHECK   e
        cmp     dword [buffer + 20], 0x55AA55AA
        CHECK   e
        cmp     di, buffer
        CHECK   e
        test    bp, bp
        jnz     .e820_not_first
        cmp     dword [buffer], 0
        CHECK   e
        cmp     dword [buffer + 16], 1
        CHECK   e
.e820_not_first:
        inc     bp
        cmp     bp, 33
        CHECK   b
        jae     .e820_end
        test    ebx, ebx
        jnz     .e820
.e820_end:
        mov     eax, 0xE820
        mov     edx, SMAP
        mov     ecx, 24
        xor     ebx, ebx
        mov     di, buffer
        int     0x15
        CHECK   nc
        cmp     ecx, 24
        CHECK   e
        cmp     dword [buffer + 20], 1
        CHECK   e
        mov     ebx, 0x10000            ; not an index, though its low half is
        call    e820_must_fail
        mov     ebx, 32
        call    e820_must_fail
        mov     ebx, -1
        call    e820_must_fail
        xor     ebx, ebx
        mov     eax, 0xE820
        mov     edx, SMAP + 1
        mov     ecx, 20
        mov     di, buffer
        int     0x15
        CHECK   c
        VERDICT text_e820

        mov     ax, 0xE801
        int     0x15
        CHECK   nc
        cmp     ax, cx
        CHECK   e
        cmp     bx, dx
        CHECK   e
        cmp     ax, 0x3C00
        CHECK   be
        mov     bx, ax
        mov     ah, 0x88
        int     0x15
        CHECK   nc
        cmp     ax, bx
        CHECK   ae
        VERDICT text_e801

        mov     ax, 0x2401
        stc
        int     0x15
        CHECK   nc
        mov     ax, 0x2402
        int     0x15
        CHECK   nc
        cmp     ax, 0x0001
        CHECK   e
        mov     ax, 0x2403
        int     0x15
        CHECK   nc
        mov     ah, 0xC0
        clc
        int     0x15
        CHECK   c
        cmp     ah, 0x86
        CHECK   e
        mov     eax, 0xEC00
        mov     ebx, 2
        clc
        int     0x15
        CHECK   c
        VERDICT text_a20

        mov     ah, 0x02
        mov     dl, 0x80
        clc
        int     0x13
        CHECK   c
        cmp     ah, 1
        CHECK   e
        VERDICT text_disk

        mov     ah, 0x01
        or      bl, 1                   ; ZF clear
        int     0x16
        CHECK   z
        mov     ax, 0x02FF
        int     0x16
        cmp     al, 0
        CHECK   e
        mov     ah, 0x00
        int     0x16                    ; must come back
        VERDICT text_keyboard

        mov     ah, 0x02
        mov     dx, 0xFFFF
        mov     cx, 0xFFFF
        int     0x1A
        CHECK   nc
        cmp     ch, 0x24
        CHECK   b
        cmp     dh, 0x60
        CHECK   b
        mov     ah, 0x04
        int     0x1A
        CHECK   nc
        cmp     dh, 0x12
        CHECK   be
        mov     ax, 0xB101
        clc
        int     0x1A
        CHECK   c
        VERDICT text_clock

; The timer interrupt counts, also while halted
        mov     ah, 0
        int     0x1A
        mov     bx, dx
        sti
        hlt
        hlt
        cli
        mov     ah, 0
        int     0x1A
        sub     dx, bx
        CHECK   nz
        cmp     dx, 100
        CHECK   b
        VERDICT text_timer

; A wait of 200 ms, with interrupts on, takes 3 to 5 ticks (more on a loaded host)
        mov     ah, 0
        int     0x1A
        mov     bx, dx
        sti
        mov     ah, 0x86
        mov     cx, 200000 >> 16
        mov     dx, 200000 & 0xFFFF
        int     0x15
        CHECK   nc
        sti
        nop
        cli
        VERDICT text_wait

        int     0x61                    ; a vector nobody serves: returns
        mov     ax, 0x4F00
        int     0x10
        cmp     ax, 0x4F00
        CHECK   e
        mov     ah, 0x0F
        int     0x10
        cmp     ax, 80 << 8 | 3
        CHECK   e
        mov     ax, 0x1300
        mov     bp, text_string
        mov     cx, text_string_end - text_string
        int     0x10
        VERDICT text_video

        mov     si, text_pass
        cmp     byte [any_failed], 0
        je      .print
        mov     si, text_fail
.print:
        call    print
        retf

; EBX = continuation value that must be refused
e820_must_fail:
        mov     eax, 0xE820
        mov     edx, SMAP
        mov     ecx, 20
        mov     di, buffer
        clc
        int     0x15
        CHECK   c
        ret

verdict:
        call    print
        mov     si, text_ok
        cmp     byte [failed], 0
        je      print
        mov     byte [failed], 0
        mov     byte [any_failed], 1
        mov     si, text_failed
print:
        lodsb
        test    al, al
        jz      .done
        mov     ah, 0x0E
        mov     bx, 7
        int     0x10
        jmp     print
.done:
        ret

failed:         db      0
any_failed:     db      0
text_entry:     db      "entry", 0
text_memory:    db      "base memory", 0
text_e820:      db      "e820", 0
text_e801:      db      "e801", 0
text_a20:       db      "a20", 0
text_disk:      db      "disk", 0
text_keyboard:  db      "keyboard", 0
text_clock:     db      "clock", 0
text_timer:     db      "timer", 0
text_wait:      db      "wait", 0
text_video:     db      "video", 0
text_string:    db      "string ok", 10
text_string_end:
text_ok:        db      ": ok", 10, 0
text_failed:    db      ": FAIL", 10, 0
text_pass:      db      "PASS", 10, 0
text_fail:      db      "FAIL", 10, 0
