; SPDX-License-Identifier: Apache-2.0
;
; Says so on COM1, then raises #UD in 32-bit protected mode with an empty interrupt
; descriptor table: #UD, then #DF, then the CPU shuts down. (Protected mode, because an
; interpreter of real mode may read vectors without looking at the table's limit.)
; Ends by the triple fault.

        bits    16
        org     0x7C00
%include "serial16.inc"

        cld
        PRINT   text
        cli
        lgdt    [gdt_pointer]
        lidt    [no_idt]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:protected

SERIAL16_CODE

        bits    32
protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7C00
        ud2
        jmp     $

        align   8
gdt:    dq      0
        dq      0x00CF9B000000FFFF      ; code, flat, 32-bit
        dq      0x00CF93000000FFFF      ; data, flat
gdt_pointer:
        dw      gdt_pointer - gdt - 1
        dd      gdt
no_idt: dw      0
        dd      0

text:   db      "about to triple fault", 10, 0
