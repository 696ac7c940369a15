; SPDX-License-Identifier: Apache-2.0
;
; String port I/O, which KVM may report as one exit with a count:
;   rep insb   64 bytes        from 0x520, then rep outsb of the same bytes to 0x530
;   rep insw   32 words        from 0x522, then rep outsd of the same bytes, 16 doublewords,
;                              to 0x534
; then a rep insb of 5 bytes from 0x520 with the direction flag set, written to 0x531 one by
; one in the order in which they were read.

        bits    16
        org     0x7C00
%include "serial16.inc"

buffer          equ     0x6000

        cld
        mov     di, buffer
        mov     cx, 64
        mov     dx, 0x520
        rep insb
        cmp     di, buffer + 64
        jne     fail
        jcxz    .first_done
        jmp     fail
.first_done:
        mov     si, buffer
        mov     cx, 64
        mov     dx, 0x530
        rep outsb
        cmp     si, buffer + 64
        jne     fail

        mov     di, buffer
        mov     cx, 32
        mov     dx, 0x522
        rep insw
        cmp     di, buffer + 64
        jne     fail
        mov     si, buffer
        mov     cx, 16
        mov     dx, 0x534
        rep outsd
        cmp     si, buffer + 64
        jne     fail

        std
        mov     di, buffer + 4
        mov     cx, 5
        mov     dx, 0x520
        rep insb
        cld
        cmp     di, buffer - 1
        jne     fail
        mov     si, buffer + 4
        mov     cx, 5
        mov     dx, 0x531
.backwards:
        mov     al, [si]
        out     dx, al
        dec     si
        loop    .backwards

        PRINT   text
        RESET_MACHINE
fail:
        PRINT   text_fail
        RESET_MACHINE

SERIAL16_CODE

text:           db      "rep io done", 10, 0
text_fail:      db      "FAIL: wrong SI, DI or CX after a repeated instruction", 10, 0
