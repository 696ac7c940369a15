; SPDX-License-Identifier: Apache-2.0
;
; Reads the test device's register at 0xE0000000 with 1, 2, 4 and 8 bytes and writes each
; value back, with the same size, to 0xE0000040.

        bits    64
        org     0x200000
%include "serial64.inc"

DEVICE          equ     0xE0000000
ECHO            equ     0x40

        cld
        mov     ebx, DEVICE
        mov     al, [rbx]
        mov     [rbx + ECHO], al
        mov     ax, [rbx]
        mov     [rbx + ECHO], ax
        mov     eax, [rbx]
        mov     [rbx + ECHO], eax
        mov     rax, [rbx]
        mov     [rbx + ECHO], rax
        PRINT   text
        RESET_MACHINE

SERIAL64_CODE

text:   db      "mmio echo done", 10, 0
