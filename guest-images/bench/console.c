/* SPDX-License-Identifier: Apache-2.0 */
/* The serial port, a 16550A without interrupts. */
#include "guest.h"

#define DATA 0x3F8
#define INTERRUPT_ENABLE 0x3F9
#define FIFO_CONTROL 0x3FA
#define LINE_CONTROL 0x3FB
#define MODEM_CONTROL 0x3FC

#define FIFO_ENABLE_AND_CLEAR 0x07
#define EIGHT_BITS 0x03
#define DTR_AND_RTS 0x03
#define DATA_READY 0x01
#define TRANSMITTER_EMPTY 0x20

void console_start(void)
{
	out8(INTERRUPT_ENABLE, 0);
	out8(LINE_CONTROL, EIGHT_BITS);
	out8(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
	out8(MODEM_CONTROL, DTR_AND_RTS);
}

void put_char(char c)
{
	while (!(in8(CONSOLE_LINE_STATUS) & TRANSMITTER_EMPTY))
		relax();
	out8(DATA, (u8)c);
}

void put_text(const char *text)
{
	while (*text)
		put_char(*text++);
}

void put_decimal(u64 value)
{
	char digits[20];
	int count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (count)
		put_char(digits[--count]);
}

void put_hex(u64 value)
{
	int shift = 60;

	while (shift && !(value >> shift))
		shift -= 4;
	put_text("0x");
	for (; shift >= 0; shift -= 4)
		put_char("0123456789abcdef"[value >> shift & 15]);
}

char get_char(void)
{
	while (!(in8(CONSOLE_LINE_STATUS) & DATA_READY))
		relax();
	return (char)in8(DATA);
}

void get_line(char *line, size_t size)
{
	size_t length = 0;

	for (;;) {
		char c = get_char();

		if (c == '\n')
			break;
		if (c != '\r' && length < size - 1)
			line[length++] = c;
	}
	line[length] = 0;
}
