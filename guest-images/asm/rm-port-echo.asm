; SPDX-License-Identifier: Apache-2.0
;
; Reads the test device's ports with each size and writes the value back:
;   byte 0x500 -> 0x510, word 0x502 -> 0x512, doubleword 0x504 -> 0x514.

        bits    16
        org     0x7C00
%include "serial16.inc"

        cld
        mov     eax, 0xA5A5A5A5         ; shows what a read leaves alone
        mov     dx, 0x500
        in      al, dx
        mov     dx, 0x510
        out     dx, al
        shr     eax, 8
        cmp     eax, 0xA5A5A5
        jne     upper_bits_lost
        mov     eax, 0xA5A5A5A5
        mov     dx, 0x502
        in      ax, dx
        mov     dx, 0x512
        out     dx, ax
        shr     eax, 16
        cmp     ax, 0xA5A5
        jne     upper_bits_lost
        mov     dx, 0x504
        in      eax, dx
        mov     dx, 0x514
        out     dx, eax
        PRINT   text
        RESET_MACHINE

upper_bits_lost:
        PRINT   text_lost
        RESET_MACHINE

SERIAL16_CODE

text:           db      "port echo done", 10, 0
text_lost:      db      "FAIL: a narrow read changed the upper bits of EAX", 10, 0
