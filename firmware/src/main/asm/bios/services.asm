; SPDX-License-Identifier: Apache-2.0
;
; The smaller services: equipment, base memory, disk, serial, keyboard, printer, boot, time.

; int 11h: AX = equipment word
int11_equipment:
        push    ds
        mov     ax, BDA_SEGMENT
        mov     ds, ax
        mov     ax, [BDA_EQUIPMENT]
        pop     ds
        iret

; int 12h: AX = base memory in KiB
int12_base_memory:
        push    ds
        mov     ax, BDA_SEGMENT
        mov     ds, ax
        mov     ax, [BDA_BASE_KIB]
        pop     ds
        iret

; int 13h: the BIOS drives no disks. AH = 1: invalid function or drive
int13_disk:
        mov     ah, 0x01
        IRET_CF_SET

; int 14h: DX = port (0 only). AH=00h set up (ignored: the line is set up already),
; AH=01h send AL, AH=02h receive into AL, AH=03h status. Answers with the line status in
; AH, bit 7 being "timed out", and for 00h and 03h the modem status in AL.
int14_serial:
        test    dx, dx
        jnz     .timeout
        cmp     ah, 0x01
        je      .send
        cmp     ah, 0x02
        je      .receive
        cmp     ah, 0x03
        ja      .timeout
        push    dx
        mov     dx, COM1_LSR
        in      al, dx
        and     al, 0x7F
        mov     ah, al
        inc     dx                      ; modem status register
        in      al, dx
        pop     dx
        iret
.send:
        call    com1_put
        mov     ah, LSR_THR_EMPTY
        iret
.receive:
        push    dx
        mov     dx, COM1_MCR
        mov     al, 0x03                ; DTR, RTS: from now on bytes are wanted
        out     dx, al
        mov     dx, COM1_LSR
        in      al, dx
        mov     ah, al
        test    al, LSR_DATA_READY
        mov     dx, COM1
        jz      .nothing
        in      al, dx
        and     ah, 0x1E
        pop     dx
        iret
.nothing:
        pop     dx
.timeout:
        mov     ah, 0x80
        iret

; int 16h: there is no keyboard, and waiting for a key would be for ever.
; 00h/10h answer "no key" (AX = 0) at once, 01h/11h the same with ZF set, 02h/12h that no
; shift key is down, 05h that the buffer is full; the rest (03h, typematic rate) is ignored.
int16_keyboard:
        cmp     ah, 0x05
        je      .full
        and     ah, 0xEF
        cmp     ah, 0x01
        jb      .no_key
        je      .peek
        cmp     ah, 0x02
        jne     .ignored
        mov     al, 0
.ignored:
        iret
.full:
        mov     al, 1
        iret
.peek:
        push    bp
        mov     bp, sp
        or      byte [bp + 6], FLAG_ZF
        pop     bp
.no_key:
        xor     ax, ax
        iret

; int 17h: no printer. AH = 1: timed out
int17_printer:
        mov     ah, 0x01
        iret

; int 18h: nothing to boot from; int 19h: boot again. There is one boot in a machine's life.
int18_no_boot:
        mov     si, text_int18
        jmp     print_and_reset
int19_bootstrap:
        mov     si, text_int19
        jmp     print_and_reset

text_int18:     db      "jkvm BIOS: boot failed (int 18h), resetting", 13, 10, 0
text_int19:     db      "jkvm BIOS: reboot requested (int 19h), resetting", 13, 10, 0

; int 1Ah: AH=00h ticks since power-on in CX:DX, AL = midnights passed; 01h sets them;
; 02h time and 04h date from the real-time clock, in BCD. The rest, PCI BIOS (B1h)
; included: CF set, AH = 81h (PCI's "function not supported").
int1a_time:
        cmp     ah, 0x01
        jb      .get_ticks
        je      .set_ticks
        cmp     ah, 0x02
        je      .get_time
        cmp     ah, 0x04
        je      .get_date
        mov     ah, 0x81
        IRET_CF_SET
.get_ticks:
        push    ds
        mov     cx, BDA_SEGMENT
        mov     ds, cx
        mov     cx, [BDA_TICKS + 2]
        mov     dx, [BDA_TICKS]
        mov     al, 0
        xchg    al, [BDA_MIDNIGHT]
        pop     ds
        IRET_CF_CLEAR
.set_ticks:
        push    ds
        push    ax
        mov     ax, BDA_SEGMENT
        mov     ds, ax
        mov     [BDA_TICKS + 2], cx
        mov     [BDA_TICKS], dx
        mov     byte [BDA_MIDNIGHT], 0
        pop     ax
        pop     ds
        IRET_CF_CLEAR
.get_time:
        push    ax
        call    cmos_wait
        mov     al, 0x04                ; hours
        call    cmos_read
        mov     ch, al
        mov     al, 0x02                ; minutes
        call    cmos_read
        mov     cl, al
        mov     al, 0x00                ; seconds
        call    cmos_read
        mov     dh, al
        mov     dl, 0                   ; no daylight saving
        pop     ax
        IRET_CF_CLEAR
.get_date:
        push    ax
        call    cmos_wait
        mov     al, 0x32                ; century
        call    cmos_read
        mov     ch, al
        mov     al, 0x09                ; year
        call    cmos_read
        mov     cl, al
        mov     al, 0x08                ; month
        call    cmos_read
        mov     dh, al
        mov     al, 0x07                ; day
        call    cmos_read
        mov     dl, al
        pop     ax
        IRET_CF_CLEAR

; AL = CMOS register AL, NMI enabled
cmos_read:
        out     CMOS_INDEX, al
        in      al, CMOS_DATA
        ret

; Waits until the clock is not being updated, but not for a clock that says so for ever.
; Changes AL, CX.
cmos_wait:
        mov     cx, 1000
.poll:
        mov     al, 0x0A
        call    cmos_read
        test    al, 0x80
        loopnz  .poll
        ret
