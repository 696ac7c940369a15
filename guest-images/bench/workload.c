/* SPDX-License-Identifier: Apache-2.0 */
#include "workload.h"

#include "disk.h"

#define PAGE_WORDS 512

/* A bijection of the numbers below 2^bits that looks random: each step can be undone. */
static u64 shuffle(u64 number, u32 bits)
{
	u64 mask = (1ull << bits) - 1;
	u32 half = bits / 2 + 1;

	for (int round = 0; round < 3; round++) {
		number = (number * 0xD6E8FEB86659FD93ull + 0x2545F491) & mask;
		number ^= number >> half;
	}
	return number;
}

static u64 hash(u64 number)
{
	number *= 0xBF58476D1CE4E5B9ull;
	return number ^ number >> 31;
}

const char *workload_take(const char **text, struct workload *workload, u64 disk_sectors)
{
	char order[16];

	if (!take_word(text, workload->name, sizeof(workload->name)))
		return "name";
	if (!take_number(text, &workload->read_percent) || workload->read_percent > 100 ||
	    !take_char(text, ','))
		return "percentage of reads";
	if (!take_word(text, order, sizeof(order)))
		return "order";
	if (starts_with(order, "random"))
		workload->random = true;
	else if (starts_with(order, "sequential"))
		workload->random = false;
	else
		return "order";
	if (!take_number(text, &workload->bytes) || workload->bytes == 0 ||
	    workload->bytes > 1 << 30 || workload->bytes % SECTOR_BYTES || !take_char(text, ','))
		return "bytes";
	if (!take_number(text, &workload->depth) || workload->depth == 0 || !take_char(text, ','))
		return "depth";
	if (!take_number(text, &workload->count) || workload->count == 0 || !take_char(text, ','))
		return "count";
	if (!take_number(text, &workload->flush_every))
		return "flush interval";

	workload->half = disk_sectors / 2 * SECTOR_BYTES / workload->bytes * workload->bytes;
	workload->blocks = workload->half / workload->bytes;
	if (workload->blocks == 0)
		return "bytes: the disk is too small for it";
	workload->shift = 63u - (u32)__builtin_clzll(workload->blocks);
	if (workload->random)
		workload->blocks = 1ull << workload->shift;
	return NULL;
}

enum kind workload_kind(const struct workload *workload, u64 number)
{
	if (workload->flush_every && number % workload->flush_every == workload->flush_every - 1)
		return FLUSH;
	if (workload->read_percent == 100)
		return READ;
	if (workload->read_percent == 0)
		return WRITE;
	return hash(number) % 100 < workload->read_percent ? READ : WRITE;
}

u64 workload_offset(const struct workload *workload, u64 number, enum kind kind)
{
	u64 block;

	if (workload->random)
		block = shuffle(number & (workload->blocks - 1), workload->shift);
	else
		block = number % workload->blocks;
	return block * workload->bytes + (kind == WRITE ? workload->half : 0);
}

void pattern_fill(u64 *data, u64 offset, u64 bytes, u64 tag)
{
	u64 word = (offset / 8 + 1) * PATTERN_STEP + tag;

	for (u64 i = 0; i < bytes / 8; i++)
		data[i] = word + i * PATTERN_STEP;
}

u64 pattern_check(const u64 *data, u64 offset, u64 bytes, u64 tag)
{
	u64 word = (offset / 8 + 1) * PATTERN_STEP + tag;
	u64 wrong = 0;

	/* Without a branch in it the loop is a matter of vectors. */
	for (u64 i = 0; i < bytes / 8; i++)
		wrong |= data[i] ^ (word + i * PATTERN_STEP);
	if (!wrong)
		return bytes / 8;
	for (u64 i = 0;; i++)
		if (data[i] != word + i * PATTERN_STEP)
			return i;
}

u64 pattern_check_in_part(const u64 *data, u64 offset, u64 bytes, u64 tag)
{
	u64 word = (offset / 8 + 1) * PATTERN_STEP + tag;
	u64 words = bytes / 8;

	for (u64 first = 0; first < words; first += PAGE_WORDS) {
		u64 last = first + PAGE_WORDS < words ? first + PAGE_WORDS - 1 : words - 1;

		if (data[first] != word + first * PATTERN_STEP)
			return first;
		if (data[last] != word + last * PATTERN_STEP)
			return last;
	}
	return words;
}
