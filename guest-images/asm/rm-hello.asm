; SPDX-License-Identifier: Apache-2.0
;
; Prints a line on COM1.

        bits    16
        org     0x7C00
%include "serial16.inc"

        cld
        PRINT   text
        RESET_MACHINE

SERIAL16_CODE

text:   db      "Hello from real mode", 10, 0
