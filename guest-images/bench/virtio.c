/* SPDX-License-Identifier: Apache-2.0 */
#include "virtio.h"

/* Section 4.2.2 */
#define MAGIC_VALUE 0x000
#define VERSION 0x004
#define DEVICE_ID 0x008
#define DEVICE_FEATURES 0x010
#define DEVICE_FEATURES_SEL 0x014
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_SEL 0x030
#define QUEUE_NUM_MAX 0x034
#define QUEUE_NUM 0x038
#define QUEUE_READY 0x044
#define STATUS 0x070
#define QUEUE_DESC_LOW 0x080
#define QUEUE_DRIVER_LOW 0x090
#define QUEUE_DEVICE_LOW 0x0A0
#define CONFIG_GENERATION 0x0FC
#define CONFIG_CAPACITY 0x100

#define MAGIC 0x74726976
#define DISK 2

#define ACKNOWLEDGE 1
#define DRIVER 2
#define DRIVER_OK 4
#define FEATURES_OK 8

#define F_FLUSH (1ull << 9)
#define F_INDIRECT_DESC (1ull << 28)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1
/* A used_event that no index reaches while at most QUEUE_MAX requests are under way. */
#define FAR_AWAY 0x7fff

/* Sections 2.7.6 and 2.7.8. The events are behind as many entries as the queue has. */
static struct descriptor descriptors[QUEUE_MAX] __attribute__((aligned(4096)));
static struct {
	u16 flags;
	u16 index;
	u16 ring[QUEUE_MAX + 1];
} available __attribute__((aligned(4096)));
static struct {
	u16 flags;
	u16 index;
	struct {
		u32 head;
		u32 length;
	} ring[QUEUE_MAX + 1];
} used __attribute__((aligned(4096)));

static volatile u16 *used_event(struct disk *disk)
{
	return &available.ring[disk->queue_size];
}

static u16 available_event(struct disk *disk)
{
	return *(volatile u16 *)&used.ring[disk->queue_size];
}

static void set_address(u64 base, u32 low, void *address)
{
	register_write(base, low, (u32)(u64)address);
	register_write(base, low + 4, (u32)((u64)address >> 32));
}

/* Section 3.1.1 */
static void negotiate(struct disk *disk)
{
	u64 wanted = F_VERSION_1 | F_EVENT_IDX | F_INDIRECT_DESC | F_FLUSH;
	u64 base = disk->base;

	register_write(base, STATUS, 0);
	while (register_read(base, STATUS))
		relax();
	register_write(base, STATUS, ACKNOWLEDGE);
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER);
	register_write(base, DEVICE_FEATURES_SEL, 1);
	disk->features = (u64)register_read(base, DEVICE_FEATURES) << 32;
	register_write(base, DEVICE_FEATURES_SEL, 0);
	disk->features |= register_read(base, DEVICE_FEATURES);
	disk->features &= wanted;
	register_write(base, DRIVER_FEATURES_SEL, 1);
	register_write(base, DRIVER_FEATURES, (u32)(disk->features >> 32));
	register_write(base, DRIVER_FEATURES_SEL, 0);
	register_write(base, DRIVER_FEATURES, (u32)disk->features);
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	if (!(register_read(base, STATUS) & FEATURES_OK))
		fail("the disk refuses its own features");
	if (!(disk->features & F_INDIRECT_DESC))
		fail("the disk has no indirect descriptors");
	if (!(disk->features & F_FLUSH))
		fail("the disk has no flush");
}

bool disk_start(struct disk *disk, u64 base)
{
	u32 size, generation;

	if (register_read(base, MAGIC_VALUE) != MAGIC || register_read(base, DEVICE_ID) != DISK)
		return false;
	if (register_read(base, VERSION) != 2)
		fail("the disk is not of version 2; QEMU needs virtio-mmio.force-legacy=false");
	disk->base = base;
	negotiate(disk);

	register_write(base, QUEUE_SEL, 0);
	size = register_read(base, QUEUE_NUM_MAX);
	disk->queue_size = (u16)(size < QUEUE_MAX ? size : QUEUE_MAX);
	register_write(base, QUEUE_NUM, disk->queue_size);
	set_address(base, QUEUE_DESC_LOW, descriptors);
	set_address(base, QUEUE_DRIVER_LOW, &available);
	set_address(base, QUEUE_DEVICE_LOW, &used);
	available.flags = AVAIL_NO_INTERRUPT;
	*used_event(disk) = FAR_AWAY;
	register_write(base, QUEUE_READY, 1);
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);

	do {
		generation = register_read(base, CONFIG_GENERATION);
		disk->sectors = register_read(base, CONFIG_CAPACITY) |
				(u64)register_read(base, CONFIG_CAPACITY + 4) << 32;
	} while (generation != register_read(base, CONFIG_GENERATION));
	return true;
}

struct descriptor *disk_descriptor(u16 head)
{
	return &descriptors[head];
}

void disk_offer(struct disk *disk, u16 head)
{
	available.ring[disk->available++ % disk->queue_size] = head;
}

/* Section 2.7.10: whether an event lies among the entries that are new. */
static bool passes(u16 event, u16 before, u16 now)
{
	return (u16)(now - event - 1) < (u16)(now - before);
}

void disk_publish(struct disk *disk)
{
	u16 before = disk->published;
	bool notify;

	if (before == disk->available)
		return;
	compiler_barrier();
	*(volatile u16 *)&available.index = disk->available;
	disk->published = disk->available;
	full_barrier();
	if (disk->features & F_EVENT_IDX)
		notify = passes(available_event(disk), before, disk->available);
	else
		notify = !(*(volatile u16 *)&used.flags & USED_NO_NOTIFY);
	if (notify) {
		disk->notifications++;
		register_write(disk->base, QUEUE_NOTIFY, 0);
	}
}

bool disk_take(struct disk *disk, u32 *head, u32 *length)
{
	u16 place = disk->used % disk->queue_size;

	if (*(volatile u16 *)&used.index == disk->used)
		return false;
	compiler_barrier();
	*head = used.ring[place].head;
	*length = used.ring[place].length;
	disk->used++;
	/* Seldom: each store takes the line from the device. */
	if (disk->used % 64 == 0)
		*used_event(disk) = (u16)(disk->used + FAR_AWAY);
	return true;
}
