; SPDX-License-Identifier: Apache-2.0
;
; Halts with interrupts off: with the in-kernel irqchip the vCPU sleeps inside KVM_RUN for
; ever (only a kick gets it back), without it KVM_EXIT_HLT.

        bits    16
        org     0x7C00
%include "serial16.inc"

        cld
        PRINT   text
        cli
        hlt
        PRINT   text_woken
        RESET_MACHINE

SERIAL16_CODE

text:           db      "halting", 10, 0
text_woken:     db      "FAIL: woke up from hlt with interrupts off", 10, 0
