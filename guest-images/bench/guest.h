/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the guest needs: the processor's instructions, the console, the end. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

static inline void out8(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline u8 in8(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* The time stamp counter, not before what comes earlier in the program has its result. */
static inline u64 cycles(void)
{
	u32 low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (u64)high << 32 | low;
}

static inline void relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* Keeps the compiler from moving memory accesses; x86 itself keeps loads and stores in order. */
static inline void compiler_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/* A store before it is seen before a load after it is done, which x86 does not promise. */
static inline void full_barrier(void)
{
	__asm__ volatile("mfence" ::: "memory");
}

/* console.c: a 16550A at 0x3F8, polled */
#define CONSOLE_LINE_STATUS 0x3FD

void console_start(void);
void put_char(char c);
void put_text(const char *text);
void put_decimal(u64 value);
void put_hex(u64 value);
char get_char(void);
/* Reads a line without its end, at most size - 1 characters of it. */
void get_line(char *line, size_t size);

/* end.c: both reset the machine, a failure after "FAIL ..." */
void end(void) __attribute__((noreturn));
void fail(const char *what) __attribute__((noreturn));
/* "FAIL what: text number" */
void fail_number(const char *what, const char *text, u64 number) __attribute__((noreturn));

/* text.c */
bool starts_with(const char *text, const char *prefix);
/* Takes a number off the text: decimal, or hexadecimal with 0x. False if there is none. */
bool take_number(const char **text, u64 *number);
/* Takes a character off the text; false if the next is another one. */
bool take_char(const char **text, char c);
/* Takes what is before the next comma, and the comma, into word; false if it is empty or too long. */
bool take_word(const char **text, char *word, size_t size);


#endif
