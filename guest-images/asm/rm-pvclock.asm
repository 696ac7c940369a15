; SPDX-License-Identifier: Apache-2.0
;
; Turns the paravirtual clock on (MSR_KVM_SYSTEM_TIME_NEW), reads port 0x500 once and waits until the
; clock says that the host has stopped the guest (PVCLOCK_GUEST_STOPPED), as the watchdogs of Linux
; look for it.

        bits    16
        org     0x7C00
%include "serial16.inc"

MSR_KVM_SYSTEM_TIME_NEW equ     0x4B564D01
CLOCK                   equ     0x9000          ; struct pvclock_vcpu_time_info
CLOCK_FLAGS             equ     CLOCK + 29
GUEST_STOPPED           equ     2

        cld
        mov     ecx, MSR_KVM_SYSTEM_TIME_NEW
        mov     eax, CLOCK | 1
        xor     edx, edx
        wrmsr
        PRINT   text_on
        mov     dx, 0x500
        in      al, dx
.wait:
        test    byte [CLOCK_FLAGS], GUEST_STOPPED
        jz      .wait
        PRINT   text_stopped
        RESET_MACHINE

SERIAL16_CODE

text_on:        db      "clock is on", 10, 0
text_stopped:   db      "was stopped", 10, 0
