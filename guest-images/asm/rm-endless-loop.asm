; SPDX-License-Identifier: Apache-2.0
;
; Never exits to the VMM again after its line: only a kick gets the vCPU back.

        bits    16
        org     0x7C00
%include "serial16.inc"

        cld
        cli
        PRINT   text
        jmp     $

SERIAL16_CODE

text:   db      "looping", 10, 0
