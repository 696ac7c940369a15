; SPDX-License-Identifier: Apache-2.0
;
; Writes garbage all over PCI space, by way of ports 0xCF8 to 0xCFF (configuration mechanism #1)
; and memory from 0xE0000000 to 0xFE000000, with every size and alignment; then turns memory
; decoding back on everywhere and writes garbage again. Prints "garbage written" and resets.

        bits    64
        org     0x200000
%include "serial64.inc"

CONFIG_ADDRESS  equ     0xCF8
CONFIG_DATA     equ     0xCFC
ENABLE          equ     0x80000000
WINDOW          equ     0xE0000000
WINDOW_END      equ     0xFE000000
STRIDE          equ     0x100000
DENSE_END       equ     WINDOW + 0x20000
DENSE_STRIDE    equ     60
DEVICES         equ     32
COMMAND         equ     4

        cld
        mov     r15d, 0x12345678
        call    configuration
        call    decode_on
        call    memory
        call    configuration
        call    addresses
        call    decode_on
        call    memory
        call    ports
        PRINT   text
        RESET_MACHINE

; The next pseudo-random number in EAX (xorshift).
random:
        mov     eax, r15d
        shl     eax, 13
        xor     r15d, eax
        mov     eax, r15d
        shr     eax, 17
        xor     r15d, eax
        mov     eax, r15d
        shl     eax, 5
        xor     r15d, eax
        mov     eax, r15d
        ret

; Every register of every device of bus 0, and one of a bus and function that are not there.
configuration:
        xor     ebx, ebx
.next:
        mov     eax, ebx
        shl     eax, 2
        or      eax, ENABLE
        mov     edx, CONFIG_ADDRESS
        out     dx, eax
        mov     edx, CONFIG_DATA
        call    random
        out     dx, eax
        inc     edx
        out     dx, al
        out     dx, ax
        inc     edx
        out     dx, ax
        inc     edx
        in      al, dx
        add     ebx, 1
        test    ebx, 0x3F
        jnz     .next
        add     ebx, 0x200 - 0x40       ; function 0 of the next device
        cmp     ebx, DEVICES * 0x200
        jb      .next
        mov     eax, ENABLE | 1 << 16 | 1 << 8
        mov     edx, CONFIG_ADDRESS
        out     dx, eax
        mov     edx, CONFIG_DATA
        in      eax, dx
        out     dx, eax
        ret

; Base addresses 0 and 1 of every device: all on the same place, over RAM for one in four.
addresses:
        xor     ebx, ebx
.next:
        mov     esi, WINDOW
        test    ebx, 3
        jnz     .write
        mov     esi, 0x200000
.write:
        mov     ecx, 0x10
        call    write_register
        mov     ecx, 0x14
        call    write_register
        inc     ebx
        cmp     ebx, DEVICES
        jb      .next
        ret

; Memory decoding and bus mastering of every device.
decode_on:
        xor     ebx, ebx
        mov     ecx, COMMAND
        mov     esi, 6
.next:
        call    write_register
        inc     ebx
        cmp     ebx, DEVICES
        jb      .next
        ret

; Writes ESI to register ECX of device EBX.
write_register:
        mov     eax, ebx
        shl     eax, 11
        or      eax, ecx
        or      eax, ENABLE
        mov     edx, CONFIG_ADDRESS
        out     dx, eax
        mov     edx, CONFIG_DATA
        mov     eax, esi
        out     dx, eax
        ret

; Memory: densely at the start of the window, sparsely over the rest.
memory:
        mov     ebx, WINDOW
.dense:
        call    store
        add     rbx, DENSE_STRIDE
        cmp     ebx, DENSE_END
        jb      .dense
.sparse:
        call    store
        add     rbx, STRIDE
        cmp     ebx, WINDOW_END
        jb      .sparse
        ret

; All sizes around RBX.
store:
        call    random
        mov     [rbx], rax
        mov     [rbx + 8], eax
        mov     [rbx + 13], ax
        mov     [rbx + 15], al
        mov     eax, [rbx + 2]
        ret

; All sizes on all of the ports but 0xCF9, which would reset.
ports:
        mov     ebx, 0x200
.next:
        call    random
        mov     edx, CONFIG_ADDRESS
        out     dx, eax
        call    random
        mov     ecx, eax
        and     ecx, 3
        lea     edx, [rcx + CONFIG_DATA]
        out     dx, eax
        out     dx, ax
        out     dx, al
        in      eax, dx
        lea     edx, [rcx + CONFIG_ADDRESS]
        out     dx, ax
        in      ax, dx
        dec     ebx
        jnz     .next
        ret

SERIAL64_CODE

text:   db      "garbage written", 10, 0
