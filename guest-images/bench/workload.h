/* SPDX-License-Identifier: Apache-2.0 */
/* What a step asks of the disk: which request is the nth, and what its data must be. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "guest.h"

#define NAME_BYTES 48

enum kind { READ, WRITE, FLUSH };

/*
 * Reads are from the disk's first half, which nobody writes; writes go to its second half. Blocks
 * are of the request's size and aligned to it.
 */
struct workload {
	char name[NAME_BYTES];
	u64 read_percent;
	bool random;
	u64 bytes; /* of a request */
	u64 depth;
	u64 count;
	u64 flush_every; /* each so many requests one is a flush; 0: none */

	u64 half;   /* bytes */
	u64 blocks; /* in a half; a power of two if random */
	u32 shift;  /* its logarithm */
	u64 tag;    /* of what is written */
};

/* Takes "NAME,READ_PERCENT,random|sequential,BYTES,DEPTH,COUNT,FLUSH_EVERY" off the text; NULL or
 * what is wrong with it. */
const char *workload_take(const char **text, struct workload *workload, u64 disk_sectors);

enum kind workload_kind(const struct workload *workload, u64 number);

/* Where a read or a write goes, in bytes. */
u64 workload_offset(const struct workload *workload, u64 number, enum kind kind);

/*
 * The pattern: each 8 bytes of the disk are (number of this word + 1) * PATTERN_STEP + tag, with the
 * tag 0 where nothing was written. So each sector is different, and so is each run's.
 */
#define PATTERN_STEP 0x9E3779B97F4A7C15ull

void pattern_fill(u64 *data, u64 offset, u64 bytes, u64 tag);

/* The first word that is wrong, or bytes / 8. In part: only the ends of each 4 KiB. */
u64 pattern_check(const u64 *data, u64 offset, u64 bytes, u64 tag);
u64 pattern_check_in_part(const u64 *data, u64 offset, u64 bytes, u64 tag);

#endif
