// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's word that it has warned, or had an oops, which stays true whatever its log shows. The
 * file stays open: to find it takes several times as long as to read it.
 */
#include "taint.h"

#include "util.h"

#define TAINT_BITS 24

u32 kernel_taint(void)
{
	static int file = -1;
	char text[24];
	u64 bits;
	long got;

	if (file < 0)
		file = sys(open, "/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	got = sys(pread64, file, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return 0;
	text[text[got - 1] == '\n' ? got - 1 : got] = 0;
	return parse_number(text, ~0ul, &bits) ? bits & ((1u << TAINT_BITS) - 1) : 0;
}
