/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a workload on a disk and counts cycles. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "disk.h"
#include "workload.h"

struct measurement {
	u64 cycles;
	u64 count;
	u64 notifications;
	u64 median_cycles; /* from making a request available to seeing it used */
	u64 late_cycles;   /* the 99th percentile */
};

/* The end of RAM from the buffers' start on, in bytes. */
void measure_start(u64 ram_end);

/* How much memory the buffers of a workload may take, in bytes. */
u64 measure_room(void);

/*
 * Keeps depth requests under way until count of them are done. Each status is checked, what is read
 * in part, each 16th wholly. Ends the machine with FAIL if something is wrong.
 */
void measure(struct disk *disk, const struct workload *workload, struct measurement *measurement);

/* Reads what the workload's writes wrote, and checks all of it. */
void verify(struct disk *disk, const struct workload *workload);

#endif
