; SPDX-License-Identifier: Apache-2.0
;
; Text on COM1, and the way out: print a line, then reset the machine.

; Sends AL to COM1. Changes no register. A transmitter that never gets ready (a serial port
; that is not there reads as all ones, which counts as ready) costs LSR_POLLS reads a byte.
com1_put:
        push    dx
        push    cx
        push    ax
        mov     dx, COM1_LSR
        mov     cx, LSR_POLLS
.wait:
        in      al, dx
        test    al, LSR_THR_EMPTY
        jnz     .ready
        loop    .wait
.ready:
        pop     ax
        mov     dx, COM1
        out     dx, al
        pop     cx
        pop     dx
        ret

; Prints AX as four hexadecimal digits. Changes AX, CX.
com1_put_hex16:
        mov     cx, 4
.digit:
        rol     ax, 4
        push    ax
        and     al, 0x0F
        add     al, '0'
        cmp     al, '9'
        jbe     .print
        add     al, 'A' - '9' - 1
.print:
        call    com1_put
        pop     ax
        loop    .digit
        ret

; Prints the zero-terminated string at CS:SI. Changes AL, SI.
com1_put_text:
        cs lodsb
        test    al, al
        jz      .done
        call    com1_put
        jmp     com1_put_text
.done:
        ret

; Prints the string at CS:SI and resets the machine. Does not return; needs a stack.
print_and_reset:
        call    com1_put_text
reset_machine:
        cli
        mov     al, KBC_PULSE_RESET
        out     KBC_COMMAND, al
.halt:
        hlt
        jmp     .halt
