/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the PVH entry (32-bit protected mode, no paging, EBX at struct hvm_start_info) to main() in
 * 64-bit ring 3. As few instructions as possible run in ring 0, which a KVM without hardware behind
 * it interprets: page tables and descriptors are made by the assembler.
 *
 * There is no IDT: nothing here faults but on purpose, and a fault is a triple fault.
 */

#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define CR0_PE (1 << 0)
#define CR0_MP (1 << 1)
#define CR0_NE (1 << 5)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define MSR_EFER 0xC0000080
#define EFER_LME (1 << 8)

/* Linux's own selectors for ring 3, which a KVM that runs ring 3 natively knows. */
#define KERNEL32_CS 0x08
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS 0x40

#define RFLAGS_RESERVED 2

/* Present, writable, user, accessed, dirty, 2 MiB; for devices also uncached. */
#define TABLE 0x27
#define LARGE_PAGE 0xe7
#define UNCACHED 0x18

	.section .note.pvh, "a", @note
	.align 4
	.long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz "Xen"
	.long start32

	.section .text.start, "ax", @progbits
	.code32
	.global start32
start32:
	lgdt	gdt_pointer
	movl	$(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
	movl	%eax, %cr4
	movl	$page_map, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	$EFER_LME, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$(CR0_PG | CR0_NE | CR0_MP | CR0_PE), %eax
	movl	%eax, %cr0
	ljmp	$KERNEL_CS, $start64

	.code64
start64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	movl	$TSS, %eax
	ltr	%ax
	movl	$USER_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	$ring0_stack_end, %esp
	pushq	$USER_DS
	pushq	$ring3_stack_end - 8
	pushq	$RFLAGS_RESERVED
	pushq	$USER_CS
	pushq	$main
	movl	%ebx, %edi
	xorl	%ebp, %ebp
	iretq

	.section .data
	.align 16
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 0x08 ring 0, 32-bit code */
	.quad 0x00af9b000000ffff	/* 0x10 ring 0, 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x18 ring 0, data */
	.quad 0
	.quad 0x00cff3000000ffff	/* 0x28 ring 3, data */
	.quad 0x00affb000000ffff	/* 0x30 ring 3, 64-bit code */
	.quad 0
	/* 0x40: TSS. Its address is the linker's to split; see link.ld. */
	.word tss_limit, tss_0_15
	.byte tss_16_23, 0x89, 0, tss_24_31
	.quad 0
gdt_end:
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt

	/* The I/O permission bitmap allows ring 3 all ports: IOPL 3 by IRETQ does not do everywhere. */
	.align 16
	.global tss, tss_end
tss:
	.long 0
	.quad ring0_stack_end, 0, 0
	.quad 0
	.quad 0, 0, 0, 0, 0, 0, 0
	.quad 0
	.word 0, bitmap - tss
bitmap:
	.space 8192
	.byte 0xff
tss_end:

	/* The low 4 GiB one to one, for ring 3; the last of them holds devices. */
	.section .data.tables, "aw", @progbits
	.align 4096
page_map:
	.quad page_directory_pointers + TABLE
	.space 4096 - 8
page_directory_pointers:
	.quad page_directories + TABLE
	.quad page_directories + 0x1000 + TABLE
	.quad page_directories + 0x2000 + TABLE
	.quad page_directories + 0x3000 + TABLE
	.space 4096 - 32
page_directories:
	.set page, 0
	.rept 3 * 512
	.quad page + LARGE_PAGE
	.set page, page + 0x200000
	.endr
	.rept 512
	.quad page + LARGE_PAGE + UNCACHED
	.set page, page + 0x200000
	.endr

	.section .bss
	.align 16
	.space 4096
ring0_stack_end:
	.space 65536
ring3_stack_end:

	.section .note.GNU-stack, "", @progbits
