; SPDX-License-Identifier: Apache-2.0
;
; Halts with interrupts on and every line of the interrupt controllers masked: nothing wakes it, but
; something may, so it is no dead guest.

        bits    16
        org     0x7C00
%include "serial16.inc"

PIC1_MASK       equ     0x21
PIC2_MASK       equ     0xA1

        cld
        cli
        mov     al, 0xFF
        out     PIC1_MASK, al
        out     PIC2_MASK, al
        PRINT   text
        sti
        hlt
        PRINT   text_woken
        RESET_MACHINE

SERIAL16_CODE

text:           db      "halting", 10, 0
text_woken:     db      "FAIL: woke up from hlt with all interrupts masked", 10, 0
