/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "latency.h"

/* Behind the image, link.ld. */
#define BUFFERS 0x1000000

#define T_IN 0
#define T_OUT 1
#define T_FLUSH 4

#define CHECK_WHOLLY_EVERY 16
/* More than half a minute of any processor, so that a lost request ends the run. */
#define PATIENCE (1ull << 37)

/* Section 5.2.6: a request as the device sees it, and what we know of it. */
struct request {
	struct {
		u32 type;
		u32 reserved;
		u64 sector;
	} header;
	volatile u8 status;
	bool under_way;
	enum kind kind;
	u64 number;
	u64 started;
	struct descriptor table[3];
} __attribute__((aligned(64)));

struct run {
	struct disk *disk;
	const struct workload *workload;
	bool verifying;
	u64 next; /* request's number */
	u64 under_way;
	u64 done;
};

static struct request requests[QUEUE_MAX];
static u64 room;

void measure_start(u64 ram_end)
{
	room = ram_end > BUFFERS ? ram_end - BUFFERS : 0;
}

u64 measure_room(void)
{
	return room;
}

static u64 *buffer_of(const struct run *run, u32 head)
{
	return (u64 *)(BUFFERS + head * run->workload->bytes);
}

static void describe(struct request *request, u64 *buffer, u64 bytes)
{
	struct descriptor *entry = request->table;
	u16 next = 1;

	*entry++ = (struct descriptor){(u64)&request->header, sizeof(request->header), DESC_NEXT,
				       next++};
	if (request->kind != FLUSH)
		*entry++ = (struct descriptor){
			(u64)buffer, (u32)bytes,
			DESC_NEXT | (request->kind == READ ? DESC_WRITE : 0), next};
	*entry = (struct descriptor){(u64)&request->status, 1, DESC_WRITE, 0};
}

/* Makes the next request there is available in this slot; false if there is none. */
static bool start(struct run *run, u16 head)
{
	const struct workload *workload = run->workload;
	struct request *request = &requests[head];
	u64 *buffer = buffer_of(run, head);
	enum kind kind = FLUSH;
	u64 offset = 0;

	for (;; run->next++) {
		if (run->next == workload->count)
			return false;
		kind = workload_kind(workload, run->next);
		if (!run->verifying || kind == WRITE)
			break;
	}
	request->number = run->next++;
	if (kind != FLUSH)
		offset = workload_offset(workload, request->number, kind);
	if (kind == WRITE && !run->verifying)
		pattern_fill(buffer, offset, workload->bytes, workload->tag);
	request->kind = run->verifying ? READ : kind;
	request->header.type = kind == FLUSH ? T_FLUSH : request->kind == READ ? T_IN : T_OUT;
	request->header.reserved = 0;
	request->header.sector = offset / SECTOR_BYTES;
	request->status = 0xff;
	request->under_way = true;
	describe(request, buffer, workload->bytes);
	run->disk->queue.rings->descriptors[head] =
		(struct descriptor){(u64)request->table,
				    sizeof(struct descriptor) * (kind == FLUSH ? 2 : 3),
				    DESC_INDIRECT, 0};
	request->started = cycles();
	queue_offer(&run->disk->queue, head);
	run->under_way++;
	return true;
}

static void check(struct run *run, u32 head, u32 length)
{
	const struct workload *workload = run->workload;
	struct request *request = &requests[head];
	u64 bytes = workload->bytes;
	u64 offset = request->header.sector * SECTOR_BYTES;
	u64 *data = buffer_of(run, head);
	u64 word;

	if (request->status)
		fail_number(workload->name, "status of a request is", request->status);
	if (length != (request->kind == READ ? bytes + 1 : 1))
		fail_number(workload->name, "length in the used ring is", length);
	if (request->kind != READ)
		return;
	if (run->verifying)
		word = pattern_check(data, offset, bytes, workload->tag);
	else if (request->number % CHECK_WHOLLY_EVERY == 0)
		word = pattern_check(data, offset, bytes, 0);
	else
		word = pattern_check_in_part(data, offset, bytes, 0);
	if (word < bytes / 8)
		fail_number(workload->name, "wrong data at byte", offset + word * 8);
}

static void finish(struct run *run, u32 head, u32 length, u64 now)
{
	struct request *request;

	if (head >= run->workload->depth || !requests[head].under_way)
		fail_number(run->workload->name, "the used ring has a request that is not under way:",
			    head);
	request = &requests[head];
	request->under_way = false;
	run->under_way--;
	run->done++;
	latency_add(now - request->started);
	check(run, head, length);
}

static void run_to_end(struct run *run)
{
	u64 quiet_since = cycles();
	u64 looks = 0;
	u32 head, length;

	for (u16 slot = 0; slot < run->workload->depth; slot++)
		if (!start(run, slot))
			break;
	queue_publish(&run->disk->queue);
	while (run->under_way) {
		u64 now = 0;

		while (queue_take(&run->disk->queue, &head, &length)) {
			/* Those that are found together have ended by now. */
			if (!now)
				now = cycles();
			finish(run, head, length, now);
			start(run, (u16)head);
		}
		if (now) {
			queue_publish(&run->disk->queue);
			quiet_since = now;
		} else if (++looks % (1 << 20) == 0 && cycles() - quiet_since > PATIENCE) {
			fail_number(run->workload->name, "no answer; requests under way:",
				    run->under_way);
		}
		relax();
	}
}

void measure(struct disk *disk, const struct workload *workload, struct measurement *measurement)
{
	struct run run = {.disk = disk, .workload = workload};
	u64 notifications = disk->queue.notifications;
	u64 begin;

	latency_clear();
	begin = cycles();
	run_to_end(&run);
	measurement->cycles = cycles() - begin;
	measurement->count = run.done;
	measurement->notifications = disk->queue.notifications - notifications;
	measurement->median_cycles = latency_percentile(50);
	measurement->late_cycles = latency_percentile(99);
}

void verify(struct disk *disk, const struct workload *workload)
{
	struct run run = {.disk = disk, .workload = workload, .verifying = true};

	run_to_end(&run);
}
