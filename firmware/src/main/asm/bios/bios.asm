; SPDX-License-Identifier: Apache-2.0
;
; jkvm's mini BIOS: 64 KiB of real-mode firmware that boots one Linux bzImage.
;
; Build (firmware/assemble.sh does exactly this, from the folder firmware/):
;
;   nasm -f bin -Werror -i src/main/asm/bios/ \
;     -o src/main/resources/io/jkvm/firmware/bios/bios.bin src/main/asm/bios/bios.asm
;
; The file is the whole image of 64 KiB, most of it zeros.
;
; The image appears twice in the guest:
;
;   0xFFFF0000..0xFFFFFFFF  read-only, because an x86 CPU fetches its first instruction
;                           from 0xFFFFFFF0 (Intel SDM vol. 3, "First Instruction Executed")
;   0x000F0000..0x000FFFFF  in RAM, because the first far jump reloads CS and with it
;                           the segment base, from 0xFFFF0000 to 0xF0000
;
; so every offset below is an offset in segment F000h. Nothing here writes to the image:
; all state lives in the interrupt vector table (0x000), the BIOS data area (0x400) and
; the caller's stack.
;
; Memory map while the BIOS runs, below 1 MiB:
;
;   0x00000  interrupt vector table, 256 far pointers
;   0x00400  BIOS data area
;   0x07C00  top of the stack used during power-on
;   S*16     Linux's setup code, S = param_setup_segment, loaded by the VMM before the start
;   S*16+SP  top of the stack given to the setup code, SP = param_setup_sp
;   0xF0000  this image; 0xF1000..0xFFFEF is not used by it
;
; The guest may run on a KVM that interprets real-mode code at about a million
; instructions a second, hence: no probing, no delays, no memory test, no banner.

        cpu     686
        bits    16
        org     0

%include "layout.inc"

; ---- 0x0000: unused, so that a stray far call to F000:0000 ends with a message ----------

        jmp     stray_entry

        times   PARAM_OFFSET - ($ - $$) db 0

; ---- 0x0100: parameter block, filled in by MiniBios.java before the guest starts --------
; All numbers are little endian. A changed layout needs a new PARAM_VERSION on both sides.

param_magic:            db      "JKVMBIOS"
param_version:          dw      PARAM_VERSION
param_setup_segment:    dw      0       ; 0: no kernel
param_base_kib:         dw      0       ; RAM below 640 KiB, in KiB (int 12h)
param_extended_kib:     dw      0       ; RAM from 1 MiB, in KiB, at most 0xFFFF (int 15h/88h)
param_e801_low_kib:     dw      0       ; RAM from 1 MiB to 16 MiB, in KiB
param_e801_high_64kib:  dw      0       ; RAM from 16 MiB, in 64 KiB blocks
param_e820_count:       dw      0       ; 1..E820_MAX
param_setup_sp:         dw      0       ; SP at the entry of the setup code
param_e820:             times   E820_MAX * E820_ENTRY_BYTES db 0

%include "post.asm"
%include "console.asm"
%include "irq.asm"
%include "int10.asm"
%include "int15.asm"
%include "services.asm"

; Assembly fails here ("TIMES value is negative") when the code outgrows its part of the image.
        times   CODE_LIMIT - ($ - $$) db 0

; ---- 0xFFF0: reset vector ---------------------------------------------------------------

        times   0xFFF0 - ($ - $$) db 0

reset_vector:
        jmp     0xF000:post             ; 5 bytes
        db      "01/01/26"              ; 0xFFF5: release date, where a PC has it
        db      0
        db      0xFC                    ; 0xFFFE: model byte, "PC AT"
        db      0
