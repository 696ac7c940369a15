; SPDX-License-Identifier: Apache-2.0
;
; Reads a port (0x5F0) and a memory address (0xE0100000) that no device answers, with each
; size, and says whether all bits were ones; writes to them first, which must do nothing.
; In 32-bit protected mode, because real mode does not reach that address.

        bits    16
        org     0x7C00

COM1            equ     0x3F8
PORT            equ     0x5F0
ADDRESS         equ     0xE0100000

        cli
        cld
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     0x08:protected

        bits    32
protected:
        mov     ax, 0x10
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     esp, 0x7C00

        mov     dx, PORT
        xor     eax, eax
        out     dx, al
        out     dx, ax
        out     dx, eax
        in      al, dx
        cmp     eax, 0xFF
        mov     esi, text_port1
        call    report
        mov     dx, PORT
        xor     eax, eax
        in      ax, dx
        cmp     eax, 0xFFFF
        mov     esi, text_port2
        call    report
        mov     dx, PORT
        xor     eax, eax
        in      eax, dx
        cmp     eax, -1
        mov     esi, text_port4
        call    report

        mov     ebx, ADDRESS
        mov     byte [ebx], 0
        mov     word [ebx], 0
        mov     dword [ebx], 0
        xor     eax, eax
        mov     al, [ebx]
        cmp     eax, 0xFF
        mov     esi, text_mmio1
        call    report
        xor     eax, eax
        mov     ax, [ebx]
        cmp     eax, 0xFFFF
        mov     esi, text_mmio2
        call    report
        xor     eax, eax
        mov     eax, [ebx]
        cmp     eax, -1
        mov     esi, text_mmio4
        call    report

        mov     esi, text_pass
        cmp     byte [failed], 0
        je      .print
        mov     esi, text_fail
.print:
        call    print
        mov     al, 0xFE
        out     0x64, al
        hlt

; Prints ESI and, by ZF, the verdict.
report:
        pushfd
        call    print
        popfd
        mov     esi, text_ones
        je      print
        mov     byte [failed], 1
        mov     esi, text_other
print:
        mov     dx, COM1 + 5
.wait:
        in      al, dx
        test    al, 0x20
        jz      .wait
        lodsb
        test    al, al
        jz      .done
        mov     dx, COM1
        out     dx, al
        jmp     print
.done:
        ret

        align   8
gdt:    dq      0
        dq      0x00CF9B000000FFFF      ; code, flat, 32-bit
        dq      0x00CF93000000FFFF      ; data, flat
gdt_pointer:
        dw      gdt_pointer - gdt - 1
        dd      gdt

failed:         db      0
text_port1:     db      "port 1 byte: ", 0
text_port2:     db      "port 2 bytes: ", 0
text_port4:     db      "port 4 bytes: ", 0
text_mmio1:     db      "mmio 1 byte: ", 0
text_mmio2:     db      "mmio 2 bytes: ", 0
text_mmio4:     db      "mmio 4 bytes: ", 0
text_ones:      db      "all ones", 10, 0
text_other:     db      "something else", 10, 0
text_pass:      db      "PASS", 10, 0
text_fail:      db      "FAIL", 10, 0
