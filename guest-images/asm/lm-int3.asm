; SPDX-License-Identifier: Apache-2.0
;
; Instructions that a software KVM can't emulate at CPL 0 and leaves to the VMM
; (KVM_EXIT_INTERNAL_ERROR, suberror 1): int3, int 0x80, fwait, cmpxchg16b, popcnt, each
; checked for its whole effect and reported with a line "NAME: ok" or "NAME: FAIL", then
; "PASS" or "FAIL". Starts in real mode and switches itself to 64-bit mode with the first
; 1 GiB mapped one to one. On an ordinary KVM the CPU runs all of it.

        bits    16
        org     0x7C00

PML4            equ     0x1000
PDPT            equ     0x2000
PD              equ     0x3000
IDT             equ     0x4000
IDT_BYTES       equ     0x81 * 16

CR0_PE          equ     1 << 0
CR0_MP          equ     1 << 1
CR0_NE          equ     1 << 5
CR0_PG          equ     1 << 31
CR4_PAE         equ     1 << 5
CR4_OSFXSR      equ     1 << 9
MSR_EFER        equ     0xC0000080
EFER_LME        equ     1 << 8
PAGE_P_RW       equ     0x03
PAGE_PS         equ     0x80

; CF, PF, AF, ZF, SF, OF
STATUS_FLAGS    equ     0x8D5

        cli
        cld
        mov     di, PML4
        mov     cx, (IDT + 0x1000 - PML4) / 4
        xor     eax, eax
        rep stosd
        mov     dword [PML4], PDPT | PAGE_P_RW
        mov     dword [PDPT], PD | PAGE_P_RW
        mov     di, PD
        mov     eax, PAGE_P_RW | PAGE_PS
        mov     cx, 512
.page:
        mov     [di], eax
        add     di, 8
        add     eax, 0x200000
        loop    .page

        mov     eax, CR4_PAE | CR4_OSFXSR
        mov     cr4, eax
        mov     eax, PML4
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr
        lgdt    [gdt_pointer]
        mov     eax, CR0_PE | CR0_MP | CR0_NE | CR0_PG
        mov     cr0, eax
        jmp     0x08:long_mode

        bits    64
%include "serial64.inc"

; Installs handler %2 for vector %1.
%macro GATE 2
        mov     edi, IDT + (%1) * 16
        mov     eax, %2
        call    set_gate
%endmacro

; Prints the line for the test at text %1: "ok" if every check since the last line held.
%macro VERDICT 1
        lea     rsi, [rel %1]
        call    verdict
%endmacro

; Notes a failure unless condition %1 holds.
%macro CHECK 1
        j%1     %%fine
        mov     byte [failed], 1
%%fine:
%endmacro

long_mode:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7C00
        GATE    0x03, on_int3
        GATE    0x06, on_invalid_opcode
        GATE    0x08, on_double_fault
        GATE    0x0D, on_protection
        GATE    0x80, on_int80
        lidt    [idt_pointer]

; int3: the handler finds the address of the next instruction in its frame, and that the
; flags and the stack come back as they were
        mov     r12, rsp
        xor     ebx, ebx
        stc
        int3
.after_int3:
        CHECK   c
        cmp     ebx, 0x1003
        CHECK   e
        cmp     rsp, r12
        CHECK   e
        lea     rax, [rel .after_int3]
        cmp     [seen_rip], rax
        CHECK   e
        VERDICT text_int3

        xor     ebx, ebx
        int     0x80
.after_int80:
        cmp     ebx, 0x1080
        CHECK   e
        cmp     rsp, r12
        CHECK   e
        lea     rax, [rel .after_int80]
        cmp     [seen_rip], rax
        CHECK   e
        VERDICT text_int80

        fninit
        mov     eax, 0x12345678
        fwait
        cmp     eax, 0x12345678
        CHECK   e
        VERDICT text_fwait

; cmpxchg16b: equal stores RCX:RBX and sets ZF; different loads RDX:RAX and clears ZF.
; Other flags stay.
        mov     edi, pair
        mov     rax, 0x1111111122222222
        mov     rdx, 0x3333333344444444
        mov     [rdi], rax
        mov     [rdi + 8], rdx
        mov     rbx, 0x5555555566666666
        mov     rcx, 0x7777777788888888
        xor     r8d, r8d
        inc     r8d                     ; ZF clear
        stc
        lock cmpxchg16b [rdi]
        CHECK   c
        CHECK   z
        cmp     [rdi], rbx
        CHECK   e
        cmp     [rdi + 8], rcx
        CHECK   e
        mov     rax, 1
        xor     edx, edx                ; ZF set
        cmpxchg16b [rdi]
        CHECK   nz
        cmp     rax, rbx
        CHECK   e
        cmp     rdx, rcx
        CHECK   e
        VERDICT text_cmpxchg16b

; popcnt: register and memory, 64, 32 and 16 bits; a 32-bit result clears the upper half, a
; 16-bit result does not; ZF set for a source of 0, the other status flags clear
        mov     rcx, 0xF00F00FF80000001
        mov     rax, -1
        popcnt  rax, rcx
        CHECK   nz
        cmp     rax, 18
        CHECK   e
        mov     rax, -1
        popcnt  eax, ecx
        cmp     rax, 2
        CHECK   e
        mov     rax, -1
        popcnt  ax, cx
        mov     rdx, 0xFFFFFFFFFFFF0001
        cmp     rax, rdx
        CHECK   e
        mov     [pair], rcx
        popcnt  r9, [rel pair]
        cmp     r9, 18
        CHECK   e
        mov     r10d, pair
        mov     r11d, 1
        popcnt  r13d, [r10 + r11 * 4]
        cmp     r13, 16
        CHECK   e
        xor     ecx, ecx
        mov     eax, 0x80000000
        add     eax, eax                ; CF and OF set
        mov     eax, 5
        popcnt  eax, ecx
        pushfq
        pop     rdx
        and     edx, STATUS_FLAGS
        cmp     edx, 0x40
        CHECK   e
        test    eax, eax
        CHECK   z
        VERDICT text_popcnt

        lea     rsi, [rel text_pass]
        cmp     byte [any_failed], 0
        je      .print
        lea     rsi, [rel text_fail]
.print:
        call    print
        RESET_MACHINE

on_int3:
        mov     ebx, 0x1003
        jmp     on_trap
on_int80:
        mov     ebx, 0x1080
on_trap:
        mov     rax, [rsp]
        mov     [seen_rip], rax
        iretq

on_invalid_opcode:
        PRINT   text_invalid_opcode
        RESET_MACHINE
on_double_fault:
        PRINT   text_double_fault
        RESET_MACHINE
on_protection:
        PRINT   text_protection
        RESET_MACHINE

; RDI = gate, EAX = handler below 64 KiB: a present 64-bit interrupt gate
set_gate:
        mov     [rdi], ax
        mov     word [rdi + 2], 0x08
        mov     dword [rdi + 4], 0x8E00
        ret

; RSI = name
verdict:
        call    print
        lea     rsi, [rel text_ok]
        cmp     byte [failed], 0
        je      print
        mov     byte [failed], 0
        mov     byte [any_failed], 1
        lea     rsi, [rel text_failed]
        jmp     print

SERIAL64_CODE

        align   16
pair:           dq      0, 0
seen_rip:       dq      0
gdt:            dq      0
                dq      0x00AF9B000000FFFF      ; code, 64-bit
                dq      0x00CF93000000FFFF      ; data
gdt_pointer:    dw      gdt_pointer - gdt - 1
                dd      gdt
idt_pointer:    dw      IDT_BYTES - 1
                dq      IDT
failed:         db      0
any_failed:     db      0
text_int3:      db      "int3", 0
text_int80:     db      "int 0x80", 0
text_fwait:     db      "fwait", 0
text_cmpxchg16b: db     "cmpxchg16b", 0
text_popcnt:    db      "popcnt", 0
text_ok:        db      ": ok", 10, 0
text_failed:    db      ": FAIL", 10, 0
text_pass:      db      "PASS", 10, 0
text_fail:      db      "FAIL", 10, 0
text_invalid_opcode: db "#UD: the CPU or the VMM does not know the instruction", 10, "FAIL", 10, 0
text_double_fault: db   "#DF: no handler for the exception", 10, "FAIL", 10, 0
text_protection: db     "#GP: wrong gate or wrong address", 10, "FAIL", 10, 0
