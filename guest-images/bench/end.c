/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the machine: the keyboard controller's reset, or a triple fault where there is none. */
#include "guest.h"

#define KEYBOARD_CONTROLLER 0x64
#define PULSE_RESET 0xFE

void end(void)
{
	put_text("end\n");
	out8(KEYBOARD_CONTROLLER, PULSE_RESET);
	/* Without an IDT an invalid instruction is a triple fault. */
	for (;;)
		__asm__ volatile("ud2");
}

void fail(const char *what)
{
	put_text("FAIL ");
	put_text(what);
	put_char('\n');
	end();
}

void fail_number(const char *what, const char *text, u64 number)
{
	put_text("FAIL ");
	put_text(what);
	put_text(": ");
	put_text(text);
	put_char(' ');
	put_decimal(number);
	put_char('\n');
	end();
}
