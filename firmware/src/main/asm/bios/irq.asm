; SPDX-License-Identifier: Apache-2.0
;
; Hardware interrupts and CPU exceptions.
;
; The PC's classic vectors put IRQ 0-7 on top of exceptions 8-15; where both are likely (the
; stack and general protection faults) the interrupt controller says which one it was. An
; exception is reported and ends in a reset: returning would only repeat it for ever.

; All vectors that nobody serves, NMI and the debug exceptions among them.
ignore_interrupt:
        iret

; IRQ 0: counts 18.2 ticks a second, and gives int 1Ch to whoever hooked it.
irq0_timer:
        push    ds
        push    eax
        mov     ax, BDA_SEGMENT
        mov     ds, ax
        mov     eax, [BDA_TICKS]
        inc     eax
        cmp     eax, TICKS_PER_DAY
        jb      .store
        xor     eax, eax
        inc     byte [BDA_MIDNIGHT]
.store:
        mov     [BDA_TICKS], eax
        int     0x1C
        mov     al, PIC_EOI
        out     PIC1_COMMAND, al
        pop     eax
        pop     ds
        iret

; IRQ 1: takes the byte out of the keyboard controller, else no second one ever comes.
irq1_keyboard:
        push    ax
        in      al, KBC_DATA
        mov     al, PIC_EOI
        out     PIC1_COMMAND, al
        pop     ax
        iret

irq_secondary:
        push    ax
        mov     al, PIC_EOI
        out     PIC2_COMMAND, al
        out     PIC1_COMMAND, al
        pop     ax
        iret

irq4_or_fault_0c:
        push    ax
        mov     al, 0x0B                ; OCW3: next read gives the in-service register
        out     PIC1_COMMAND, al
        in      al, PIC1_COMMAND
        test    al, 1 << 4
        pop     ax
        jnz     irq_primary
        push    word "0C"
        jmp     fault

irq5_or_fault_0d:
        push    ax
        mov     al, 0x0B
        out     PIC1_COMMAND, al
        in      al, PIC1_COMMAND
        test    al, 1 << 5
        pop     ax
        jnz     irq_primary
        push    word "0D"
        jmp     fault

irq_primary:
        push    ax
        mov     al, PIC_EOI
        out     PIC1_COMMAND, al
        pop     ax
        iret

fault_00:
        push    word "00"
        jmp     fault
fault_06:
        push    word "06"
        jmp     fault
fault_07:
        push    word "07"

; The stack holds the exception's number as two characters, then IP, CS, FLAGS.
fault:
        cld
        mov     si, text_fault
        call    com1_put_text
        pop     ax
        call    com1_put
        mov     al, ah
        call    com1_put
        mov     si, text_fault_at
        call    com1_put_text
        pop     dx
        pop     ax
        call    com1_put_hex16
        mov     al, ':'
        call    com1_put
        mov     ax, dx
        call    com1_put_hex16
        mov     si, text_fault_end
        jmp     print_and_reset

text_fault:     db      "jkvm BIOS: exception ", 0
text_fault_at:  db      "h at ", 0
text_fault_end: db      ", resetting", 13, 10, 0
