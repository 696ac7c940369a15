; SPDX-License-Identifier: Apache-2.0
;
; Loops in ring 3, where even a software KVM runs code at native speed: only a kick gets
; the vCPU back.

        bits    64
        org     0x200000
%include "serial64.inc"

        cld
        PRINT   text
        jmp     $

SERIAL64_CODE

text:   db      "looping", 10, 0
