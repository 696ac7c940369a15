; SPDX-License-Identifier: Apache-2.0
;
; An ELF as jkvm takes it for a kernel, entered in 64-bit mode at CPL 0 with memory mapped one to
; one. Runs an instruction that no KVM can emulate, crc32 on memory where no RAM is: the machine
; has to end there. An ordinary KVM queues #UD for the guest besides; the guest must not get it.

        bits    64
ADDRESS         equ     0x1000000
        org     ADDRESS

; Where no device is, in the hole below 4 GiB (docs/devices.md).
NO_RAM          equ     0xDF000000
IDT_GATES       equ     7

file:
        db      0x7F, "ELF", 2, 1, 1    ; 64-bit, least significant byte first, version 1
        times   9 db 0
        dw      2, 62                   ; ET_EXEC, EM_X86_64
        dd      1
        dq      start, segments - file, 0
        dd      0
        dw      64, 56, 1, 0, 0, 0      ; sizes of headers, one segment, no sections
segments:
        dd      1, 7                    ; PT_LOAD, readable, writable and executable
        dq      0, ADDRESS, ADDRESS, file_end - file, file_end - file + 0x1000, 0x1000

%include "serial64.inc"

start:
        cli
        cld
        mov     esp, stack_end
        mov     ax, cs                  ; the boot protocol does not say which
        mov     [gates.cs], ax
        mov     ecx, IDT_GATES
        mov     edi, gates
.gate:                                  ; each vector below 7 to the one handler
        mov     eax, on_exception
        mov     [rdi], ax
        shr     eax, 16
        mov     [rdi + 6], ax
        mov     ax, [gates.cs]
        mov     [rdi + 2], ax
        mov     dword [rdi + 8], 0
        mov     word [rdi + 4], 0x8E00  ; present, 64-bit interrupt gate
        add     edi, 16
        loop    .gate
        lidt    [idt_pointer]
        PRINT   text_begin
        mov     ebx, NO_RAM
        crc32   eax, byte [rbx]
        PRINT   text_done
        RESET_MACHINE

on_exception:
        PRINT   text_exception
        RESET_MACHINE

SERIAL64_CODE

        align   8
idt_pointer:    dw      IDT_GATES * 16 - 1
                dq      gates
gates.cs:       dw      0
text_begin:     db      "crc32 where no RAM is", 10, 0
text_done:      db      "FAIL: it was emulated", 10, 0
text_exception: db      "FAIL: an exception came", 10, 0

        align   16
file_end:
gates           equ     file_end
stack_end       equ     file_end + 0x1000
