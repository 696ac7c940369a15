; SPDX-License-Identifier: Apache-2.0
;
; Power-on: from the reset vector to the first instruction of Linux's setup code.

post:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, POST_STACK

; Interrupt vectors. One repeated store for all of them, then the ones that differ.
        xor     di, di
        mov     eax, 0xF0000000 + ignore_interrupt
        mov     cx, 256
        rep stosd                       ; leaves DI at 0x400, the BIOS data area

        xor     eax, eax
        mov     cx, 0x100 / 4
        rep stosd

        mov     si, vector_table
.next_vector:
        cs lodsw                        ; vector number * 4
        test    ax, ax
        js      .vectors_done
        mov     di, ax
        cs lodsw
        mov     [di], ax                ; offset only: the segment is F000h for all
        jmp     .next_vector
.vectors_done:

; BIOS data area
        mov     ax, BDA_SEGMENT
        mov     ds, ax
        mov     word [BDA_COM1], COM1
        mov     word [BDA_EQUIPMENT], EQUIPMENT
        mov     ax, [cs:param_base_kib]
        mov     [BDA_BASE_KIB], ax
        ; What lies between the end of base memory and 640 KiB is the extended BIOS data
        ; area; Linux looks for MP tables and ACPI's root pointer there.
        cmp     ax, 640
        jae     .no_ebda
        shl     ax, 6                   ; KiB to paragraphs
        mov     [BDA_EBDA_SEGMENT], ax
.no_ebda:
        mov     word [BDA_KEYBOARD_HEAD], BDA_KEYBOARD_BUFFER
        mov     word [BDA_KEYBOARD_TAIL], BDA_KEYBOARD_BUFFER
        ; BDA_VIDEO_COLUMNS stays 0: there is no screen memory, and Linux takes a screen
        ; with no columns for what it is. int 10h/0Fh still answers "80 columns" to
        ; programs that ask politely.
        mov     byte [BDA_VIDEO_MODE], 3
        mov     word [BDA_CRTC_PORT], 0x3D4
        mov     byte [BDA_VIDEO_LAST_ROW], 24
        mov     word [BDA_FONT_POINTS], 16

; Interrupt controllers: IRQ 0-7 at vectors 08h-0Fh, IRQ 8-15 at 70h-77h (the PC's classic
; places); only the timer and the cascade are let through. The local APIC is not touched:
; KVM starts the first CPU's with LINT0 passing the PIC's interrupts (virtual wire mode).
        mov     al, 0x11                ; ICW1: edge triggered, cascade, ICW4 follows
        out     PIC1_COMMAND, al
        out     PIC2_COMMAND, al
        mov     al, 0x08                ; ICW2: vector base
        out     PIC1_DATA, al
        mov     al, 0x70
        out     PIC2_DATA, al
        mov     al, 0x04                ; ICW3: slave on IRQ 2
        out     PIC1_DATA, al
        mov     al, 0x02
        out     PIC2_DATA, al
        mov     al, 0x01                ; ICW4: 8086 mode
        out     PIC1_DATA, al
        out     PIC2_DATA, al
        mov     al, 0xFA
        out     PIC1_DATA, al
        mov     al, 0xFF
        out     PIC2_DATA, al

; Timer: counter 0, rate generator, 65536 counts: 18.2 interrupts a second
        mov     al, 0x34
        out     PIT_CONTROL, al
        xor     al, al
        out     PIT_COUNTER0, al
        out     PIT_COUNTER0, al

; COM1: 115200 baud, 8N1, no interrupts
        mov     dx, COM1_LCR
        mov     al, 0x80                ; divisor latch access
        out     dx, al
        mov     dx, COM1
        mov     al, 1
        out     dx, al
        mov     dx, COM1_IER
        xor     al, al
        out     dx, al
        mov     dx, COM1_LCR
        mov     al, 0x03
        out     dx, al
        mov     dx, COM1_IER
        xor     al, al
        out     dx, al
        mov     dx, COM1_MCR
        mov     al, 0x01                ; DTR; RTS would invite bytes that the kernel then throws away
        out     dx, al

; The Linux boot protocol ("Running the kernel"): DS = ES = FS = GS = SS = the segment that
; the setup code was loaded at, SP at the end of its heap, interrupts off, entry at offset
; 0x200, which is offset 0 of the segment 0x20 paragraphs on.
        mov     bx, [cs:param_setup_segment]
        test    bx, bx
        jz      no_kernel
        mov     ds, bx
        cmp     dword [0x202], "HdrS"
        jne     bad_setup

        mov     es, bx
        mov     fs, bx
        mov     gs, bx
        mov     ss, bx
        mov     sp, [cs:param_setup_sp]
        push    cs                      ; a setup code that returns does so to a message
        push    word setup_returned
        add     bx, 0x20
        push    bx
        push    word 0
        xor     eax, eax
        xor     ebx, ebx
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
        xor     edi, edi
        xor     ebp, ebp
        retf

no_kernel:
        mov     si, text_no_kernel
        jmp     print_and_reset
bad_setup:
        mov     si, text_bad_setup
        jmp     print_and_reset
setup_returned:
        mov     si, text_returned
        jmp     print_and_reset
stray_entry:
        mov     si, text_stray
        jmp     print_and_reset

; Interrupt vectors that differ from ignore_interrupt: vector * 4, offset. Ends with -1.
%macro VECTOR 2
        dw      (%1) * 4, %2
%endmacro
vector_table:
        VECTOR  0x00, fault_00
        VECTOR  0x06, fault_06
        VECTOR  0x07, fault_07
        VECTOR  0x08, irq0_timer
        VECTOR  0x09, irq1_keyboard
        VECTOR  0x0A, irq_primary
        VECTOR  0x0B, irq_primary
        VECTOR  0x0C, irq4_or_fault_0c
        VECTOR  0x0D, irq5_or_fault_0d
        VECTOR  0x0E, irq_primary
        VECTOR  0x0F, irq_primary
        VECTOR  0x10, int10_video
        VECTOR  0x11, int11_equipment
        VECTOR  0x12, int12_base_memory
        VECTOR  0x13, int13_disk
        VECTOR  0x14, int14_serial
        VECTOR  0x15, int15_system
        VECTOR  0x16, int16_keyboard
        VECTOR  0x17, int17_printer
        VECTOR  0x18, int18_no_boot
        VECTOR  0x19, int19_bootstrap
        VECTOR  0x1A, int1a_time
        VECTOR  0x70, irq_secondary
        VECTOR  0x71, irq_secondary
        VECTOR  0x72, irq_secondary
        VECTOR  0x73, irq_secondary
        VECTOR  0x74, irq_secondary
        VECTOR  0x75, irq_secondary
        VECTOR  0x76, irq_secondary
        VECTOR  0x77, irq_secondary
        dw      -1

text_no_kernel: db      "jkvm BIOS: no kernel was loaded, resetting", 13, 10, 0
text_bad_setup: db      "jkvm BIOS: no Linux setup code at the given segment, resetting"
                db      13, 10, 0
text_returned:  db      "jkvm BIOS: the kernel's setup code returned, resetting", 13, 10, 0
text_stray:     db      "jkvm BIOS: jump to F000:0000, resetting", 13, 10, 0
