; SPDX-License-Identifier: Apache-2.0
;
; Drives a virtio-blk device (virtio 1.2, section 5.2) on the MMIO transport, version 2
; (section 4.2), by polling: no interrupt is taken, one request is in flight at a time.
;
; Copies sector 0 to sector 1 with one added to every byte, so a harness can check both the
; disk image and the text. Prints "features 0x...", "capacity N sectors", "id NAME", then
; "PASS" or "FAIL n", n being what this file passes to FAIL_UNLESS.

        bits    64
        org     0x200000
%include "serial64.inc"

%ifndef VIRTIO_BASE
%define VIRTIO_BASE     0xD0000000
%endif

; Registers, section 4.2.2
MAGIC_VALUE             equ     0x000
VERSION                 equ     0x004
DEVICE_ID               equ     0x008
DEVICE_FEATURES         equ     0x010
DEVICE_FEATURES_SEL     equ     0x014
DRIVER_FEATURES         equ     0x020
DRIVER_FEATURES_SEL     equ     0x024
QUEUE_SEL               equ     0x030
QUEUE_NUM_MAX           equ     0x034
QUEUE_NUM               equ     0x038
QUEUE_READY             equ     0x044
QUEUE_NOTIFY            equ     0x050
INTERRUPT_STATUS        equ     0x060
INTERRUPT_ACK           equ     0x064
STATUS                  equ     0x070
QUEUE_DESC_LOW          equ     0x080
QUEUE_DRIVER_LOW        equ     0x090
QUEUE_DEVICE_LOW        equ     0x0A0
CONFIG_GENERATION       equ     0x0FC
CONFIG_CAPACITY         equ     0x100

STATUS_ACKNOWLEDGE      equ     1
STATUS_DRIVER           equ     2
STATUS_DRIVER_OK        equ     4
STATUS_FEATURES_OK      equ     8

BLK_F_RO                equ     1 << 5
BLK_F_FLUSH             equ     1 << 9
F_VERSION_1_HIGH        equ     1 << (32 - 32)

BLK_T_IN                equ     0
BLK_T_OUT               equ     1
BLK_T_FLUSH             equ     4
BLK_T_GET_ID            equ     8
BLK_T_UNKNOWN           equ     0x7777
BLK_S_OK                equ     0
BLK_S_IOERR             equ     1
BLK_S_UNSUPP            equ     2

DESC_F_NEXT             equ     1
DESC_F_WRITE            equ     2
QUEUE_SIZE              equ     16
SECTOR_BYTES            equ     512
ID_BYTES                equ     20

; Guest memory
DESCRIPTORS             equ     0x210000
AVAILABLE               equ     0x211000
USED                    equ     0x212000
HEADER                  equ     0x213000
STATUS_BYTE             equ     0x213010
DATA                    equ     0x214000
DATA2                   equ     0x215000
ID                      equ     0x216000

POLLS                   equ     500000000

; Jumps to fail with number %2 unless condition %1 holds.
%macro FAIL_UNLESS 2
        mov     r15d, %2                ; leaves the flags alone
        j%+1    %%fine
        jmp     fail
%%fine:
%endmacro

; Runs a request: type, sector, data address, data length, DESC_F_WRITE if the device writes
; the data. Gives the status byte in EAX.
%macro REQUEST 5
        mov     edi, %1
        mov     rsi, %2
        mov     r12d, %3
        mov     r13d, %4
        mov     r14d, %5
        call    request
%endmacro

        cld
        mov     ebx, VIRTIO_BASE
        xor     ebp, ebp                ; requests made available so far

; Section 3.1.1, driver initialization
        cmp     dword [rbx + MAGIC_VALUE], 0x74726976
        FAIL_UNLESS e, 1
        cmp     dword [rbx + VERSION], 2
        FAIL_UNLESS e, 2
        cmp     dword [rbx + DEVICE_ID], 2
        FAIL_UNLESS e, 3
        mov     dword [rbx + STATUS], 0
        cmp     dword [rbx + STATUS], 0
        FAIL_UNLESS e, 4
        mov     dword [rbx + STATUS], STATUS_ACKNOWLEDGE
        mov     dword [rbx + STATUS], STATUS_ACKNOWLEDGE | STATUS_DRIVER

        mov     dword [rbx + DEVICE_FEATURES_SEL], 0
        mov     r9d, [rbx + DEVICE_FEATURES]
        mov     dword [rbx + DEVICE_FEATURES_SEL], 1
        mov     r10d, [rbx + DEVICE_FEATURES]
        PRINT   text_features
        mov     rax, r10
        shl     rax, 32
        or      rax, r9
        call    print_hex
        PRINT   text_newline
        test    r10d, F_VERSION_1_HIGH
        FAIL_UNLESS nz, 5
        mov     [features], r9d
        and     r9d, BLK_F_RO | BLK_F_FLUSH
        mov     dword [rbx + DRIVER_FEATURES_SEL], 0
        mov     [rbx + DRIVER_FEATURES], r9d
        mov     dword [rbx + DRIVER_FEATURES_SEL], 1
        mov     dword [rbx + DRIVER_FEATURES], F_VERSION_1_HIGH
        mov     eax, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK
        mov     [rbx + STATUS], eax
        cmp     [rbx + STATUS], eax
        FAIL_UNLESS e, 6

; Section 4.2.3.2, virtqueue configuration
        mov     dword [rbx + QUEUE_SEL], 0
        cmp     dword [rbx + QUEUE_READY], 0
        FAIL_UNLESS e, 7
        cmp     dword [rbx + QUEUE_NUM_MAX], QUEUE_SIZE
        FAIL_UNLESS ae, 8
        mov     dword [rbx + QUEUE_NUM], QUEUE_SIZE
        mov     dword [rbx + QUEUE_DESC_LOW], DESCRIPTORS
        mov     dword [rbx + QUEUE_DESC_LOW + 4], 0
        mov     dword [rbx + QUEUE_DRIVER_LOW], AVAILABLE
        mov     dword [rbx + QUEUE_DRIVER_LOW + 4], 0
        mov     dword [rbx + QUEUE_DEVICE_LOW], USED
        mov     dword [rbx + QUEUE_DEVICE_LOW + 4], 0
        mov     dword [rbx + QUEUE_READY], 1
        cmp     dword [rbx + QUEUE_READY], 1
        FAIL_UNLESS e, 9
        mov     eax, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK
        mov     [rbx + STATUS], eax
        cmp     [rbx + STATUS], eax
        FAIL_UNLESS e, 10

; Section 2.5.4: a 64-bit field is read twice the generation
.capacity:
        mov     r9d, [rbx + CONFIG_GENERATION]
        mov     r10d, [rbx + CONFIG_CAPACITY]
        mov     r11d, [rbx + CONFIG_CAPACITY + 4]
        cmp     r9d, [rbx + CONFIG_GENERATION]
        jne     .capacity
        shl     r11, 32
        or      r11, r10
        mov     [capacity], r11
        PRINT   text_capacity
        mov     rax, [capacity]
        call    print_decimal
        PRINT   text_sectors
        cmp     qword [capacity], 2
        FAIL_UNLESS ae, 11

; Sector 0 as often as it takes for the ring's index to pass its size
        mov     dword [repeats], QUEUE_SIZE + 4
.read_again:
        REQUEST BLK_T_IN, 0, DATA, SECTOR_BYTES, DESC_F_WRITE
        cmp     eax, BLK_S_OK
        FAIL_UNLESS e, 12
        cmp     r11d, SECTOR_BYTES + 1
        FAIL_UNLESS e, 13
        dec     dword [repeats]
        jnz     .read_again

; Sector 1 = sector 0 with one added to every byte
        xor     ecx, ecx
.increment:
        inc     byte [DATA + rcx]
        inc     ecx
        cmp     ecx, SECTOR_BYTES
        jb      .increment
        REQUEST BLK_T_OUT, 1, DATA, SECTOR_BYTES, 0
        test    dword [features], BLK_F_RO
        jnz     .read_only
        cmp     eax, BLK_S_OK
        FAIL_UNLESS e, 14
        cmp     r11d, 1
        FAIL_UNLESS e, 15
        REQUEST BLK_T_IN, 1, DATA2, SECTOR_BYTES, DESC_F_WRITE
        cmp     eax, BLK_S_OK
        FAIL_UNLESS e, 16
        mov     esi, DATA
        mov     edi, DATA2
        mov     ecx, SECTOR_BYTES
        repe cmpsb
        FAIL_UNLESS e, 17
        jmp     .flush
.read_only:
        cmp     eax, BLK_S_IOERR
        FAIL_UNLESS e, 18

.flush:
        test    dword [features], BLK_F_FLUSH
        jz      .get_id
        REQUEST BLK_T_FLUSH, 0, 0, 0, 0
        cmp     eax, BLK_S_OK
        FAIL_UNLESS e, 19
.get_id:
        REQUEST BLK_T_GET_ID, 0, ID, ID_BYTES, DESC_F_WRITE
        cmp     eax, BLK_S_OK
        FAIL_UNLESS e, 20
        mov     byte [ID + ID_BYTES], 0 ; a name of full length has no terminator
        PRINT   text_id
        mov     esi, ID
        call    print
        PRINT   text_newline

; What a device must refuse
        REQUEST BLK_T_IN, [capacity], DATA2, SECTOR_BYTES, DESC_F_WRITE
        cmp     eax, BLK_S_IOERR
        FAIL_UNLESS e, 21
        REQUEST BLK_T_UNKNOWN, 0, DATA2, SECTOR_BYTES, DESC_F_WRITE
        cmp     eax, BLK_S_UNSUPP
        FAIL_UNLESS e, 22

; Section 4.2.2, InterruptStatus: bit 0 was set by the used buffers, an acknowledgement
; clears it. Nothing is in flight here, so it stays clear.
        mov     ecx, POLLS
.interrupt:
        test    dword [rbx + INTERRUPT_STATUS], 1
        loopz   .interrupt
        FAIL_UNLESS nz, 23
        mov     dword [rbx + INTERRUPT_ACK], 1
        test    dword [rbx + INTERRUPT_STATUS], 1
        FAIL_UNLESS z, 24

; Reset in the middle of use
        mov     dword [rbx + STATUS], 0
        mov     ecx, POLLS
.reset:
        cmp     dword [rbx + STATUS], 0
        loopne  .reset
        FAIL_UNLESS e, 25
        mov     dword [rbx + QUEUE_SEL], 0
        cmp     dword [rbx + QUEUE_READY], 0
        FAIL_UNLESS e, 26

        PRINT   text_pass
        RESET_MACHINE

; R15 = number
fail:
        PRINT   text_fail
        mov     eax, r15d
        call    print_decimal
        PRINT   text_newline
        RESET_MACHINE

; In: EDI = type, RSI = sector, R12 = data, R13D = data length, R14D = its flags.
; Out: EAX = status byte, R11D = length in the used ring. Fails with 30 if the device does
; not answer, with 31 if it answers with another descriptor than the one it was given.
request:
        mov     [HEADER], edi
        mov     dword [HEADER + 4], 0
        mov     [HEADER + 8], rsi
        mov     byte [STATUS_BYTE], 0xFF

        mov     qword [DESCRIPTORS], HEADER
        mov     dword [DESCRIPTORS + 8], 16
        mov     dword [DESCRIPTORS + 12], DESC_F_NEXT | 1 << 16
        mov     edx, DESCRIPTORS + 16
        test    r13d, r13d
        jz      .status
        mov     [rdx], r12
        mov     [rdx + 8], r13d
        mov     eax, r14d
        or      eax, DESC_F_NEXT | 2 << 16
        mov     [rdx + 12], eax
        add     edx, 16
.status:
        mov     qword [rdx], STATUS_BYTE
        mov     dword [rdx + 8], 1
        mov     dword [rdx + 12], DESC_F_WRITE

        mov     eax, ebp
        and     eax, QUEUE_SIZE - 1
        mov     word [AVAILABLE + 4 + rax * 2], 0
        lea     r8d, [rax * 8 + USED + 4]
        inc     ebp
        mov     [AVAILABLE + 2], bp
        mfence
        mov     dword [rbx + QUEUE_NOTIFY], 0

        mov     ecx, POLLS
.poll:
        cmp     [USED + 2], bp
        je      .answered
        pause
        dec     ecx
        jnz     .poll
        mov     r15d, 30
        jmp     fail
.answered:
        mov     r15d, 31
        cmp     dword [r8], 0
        jne     fail
        mov     r11d, [r8 + 4]
        movzx   eax, byte [STATUS_BYTE]
        ret

SERIAL64_CODE

        align   8
capacity:       dq      0
features:       dd      0
repeats:        dd      0
text_features:  db      "features 0x", 0
text_capacity:  db      "capacity ", 0
text_sectors:   db      " sectors", 10, 0
text_id:        db      "id ", 0
text_pass:      db      "PASS", 10, 0
text_fail:      db      "FAIL ", 0
text_newline:   db      10, 0
