/* SPDX-License-Identifier: Apache-2.0 */
#include "latency.h"

#define STEPS 8
#define STEPS_SHIFT 3

static u32 counts[64 * STEPS];
static u64 total;

void latency_clear(void)
{
	for (u64 i = 0; i < 64 * STEPS; i++)
		counts[i] = 0;
	total = 0;
}

void latency_add(u64 cycles)
{
	u64 value = cycles | STEPS;
	u32 power = 63u - (u32)__builtin_clzll(value);

	counts[power * STEPS + (value >> (power - STEPS_SHIFT) & (STEPS - 1))]++;
	total++;
}

u64 latency_percentile(u64 percent)
{
	u64 wanted = (total * percent + 99) / 100;
	u64 seen = 0;

	if (!total)
		return 0;
	for (u32 step = 0;; step++) {
		seen += counts[step];
		if (seen >= wanted) {
			u32 power = step / STEPS;

			return (STEPS + step % STEPS + 1ull) << (power - STEPS_SHIFT);
		}
	}
}
