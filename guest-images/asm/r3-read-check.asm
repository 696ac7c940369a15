; SPDX-License-Identifier: Apache-2.0
;
; Reads a port and a memory-mapped register for ever, whose device counts up by one with each
; read of either, and checks that each value is the next one. RDI is the number of the vCPU,
; each of which has a port and a register of its own. After a read EAX is the device's count,
; and nothing else changes it.

        bits    64
        org     0x200000
%include "serial64.inc"

PORT            equ     0x500           ; plus 0x10 a vCPU
DEVICE          equ     0xE0000000      ; plus 0x100 a vCPU

        cld
        mov     r12d, edi
        shl     r12d, 4
        mov     r13d, edi
        shl     r13d, 8
        mov     eax, DEVICE
        add     r13, rax
        add     r12d, PORT
        xor     ebx, ebx
        xor     eax, eax
.next:
        mov     edx, r12d
        in      eax, dx
        inc     ebx
        cmp     eax, ebx
        jne     wrong
        mov     eax, [r13]
        inc     ebx
        cmp     eax, ebx
        jne     wrong
        jmp     .next

wrong:
        PRINT   text
        RESET_MACHINE

SERIAL64_CODE

text:   db      "FAIL: a read gave the wrong value", 10, 0
