bits 16
org 0
times 0xff00 db 0
start: xor ax,ax
 mov ds,ax
 mov es,ax
 mov ss,ax
 mov sp,0x7c00
 jmp 0:0x7c00
times 0xfff0-($-$$) db 0
 jmp 0xf000:start
times 0x10000-($-$$) db 0
