/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of cycles with eight steps to each power of two. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "guest.h"

void latency_clear(void);
void latency_add(u64 cycles);
/* The upper bound of the step in which this percentage of all is reached; 0 if there are none. */
u64 latency_percentile(u64 percent);

#endif
