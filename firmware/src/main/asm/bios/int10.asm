; SPDX-License-Identifier: Apache-2.0
;
; int 10h, video. The machine has no display adapter: text goes to COM1, questions are
; answered as by a text mode of 80 x 25 on an adapter older than EGA, the rest is ignored.
; Ignored means: registers unchanged, which is how callers detect that VESA (4Fxxh), EGA
; (12h/BL=10h) and VGA (1Ah) services are absent.

int10_video:
        cmp     ah, 0x0E
        je      .teletype
        cmp     ah, 0x03
        je      .cursor
        cmp     ah, 0x0F
        je      .mode
        cmp     ah, 0x13
        je      .string
        iret

; AH=0Eh: AL = character
.teletype:
        call    com1_put
        iret

; AH=03h: the cursor's shape in CX, its row and column in DX
.cursor:
        mov     cx, 0x0607
        xor     dx, dx
        iret

; AH=0Fh: columns in AH, mode in AL, page in BH
.mode:
        mov     ax, 80 << 8 | 3
        mov     bh, 0
        iret

; AH=13h: ES:BP = text of CX characters; AL bit 1: an attribute follows each character
.string:
        jcxz    .string_done
        push    ax
        push    cx
        push    bp
        mov     ah, al
.string_next:
        mov     al, [es:bp]
        call    com1_put
        inc     bp
        test    ah, 2
        jz      .string_no_attribute
        inc     bp
.string_no_attribute:
        loop    .string_next
        pop     bp
        pop     cx
        pop     ax
.string_done:
        iret
