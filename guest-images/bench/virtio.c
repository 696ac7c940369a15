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

#define MAGIC 0x74726976

#define ACKNOWLEDGE 1
#define DRIVER 2
#define DRIVER_OK 4
#define FEATURES_OK 8

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1
/* A used_event that no index reaches while at most QUEUE_MAX requests are under way. */
#define FAR_AWAY 0x7fff

bool virtio_is(u64 base, u32 type)
{
	if (register_read(base, MAGIC_VALUE) != MAGIC || register_read(base, DEVICE_ID) != type)
		return false;
	if (register_read(base, VERSION) != 2)
		fail("a device is not of version 2; QEMU needs virtio-mmio.force-legacy=false");
	return true;
}

/* Section 3.1.1 */
u64 virtio_negotiate(u64 base, u64 wanted, u64 needed)
{
	u64 features;

	register_write(base, STATUS, 0);
	while (register_read(base, STATUS))
		relax();
	register_write(base, STATUS, ACKNOWLEDGE);
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER);
	register_write(base, DEVICE_FEATURES_SEL, 1);
	features = (u64)register_read(base, DEVICE_FEATURES) << 32;
	register_write(base, DEVICE_FEATURES_SEL, 0);
	features |= register_read(base, DEVICE_FEATURES);
	features &= wanted | needed | F_VERSION_1;
	if (needed & ~features)
		fail_number("a device lacks features", "those it has", features);
	register_write(base, DRIVER_FEATURES_SEL, 1);
	register_write(base, DRIVER_FEATURES, (u32)(features >> 32));
	register_write(base, DRIVER_FEATURES_SEL, 0);
	register_write(base, DRIVER_FEATURES, (u32)features);
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
	if (!(register_read(base, STATUS) & FEATURES_OK))
		fail("a device refuses its own features");
	return features;
}

void virtio_driver_ok(u64 base)
{
	register_write(base, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
}

static volatile u16 *used_event(struct virtqueue *queue)
{
	return &queue->rings->available.ring[queue->size];
}

static u16 available_event(struct virtqueue *queue)
{
	return *(volatile u16 *)&queue->rings->used.ring[queue->size];
}

static void set_address(u64 base, u32 low, void *address)
{
	register_write(base, low, (u32)(u64)address);
	register_write(base, low + 4, (u32)((u64)address >> 32));
}

void queue_start(struct virtqueue *queue, struct rings *rings, u64 base, u32 number, u64 features)
{
	u32 size;

	queue->rings = rings;
	queue->base = base;
	queue->number = number;
	queue->has_events = features & F_EVENT_IDX;
	register_write(base, QUEUE_SEL, number);
	size = register_read(base, QUEUE_NUM_MAX);
	queue->size = (u16)(size < QUEUE_MAX ? size : QUEUE_MAX);
	register_write(base, QUEUE_NUM, queue->size);
	set_address(base, QUEUE_DESC_LOW, rings->descriptors);
	set_address(base, QUEUE_DRIVER_LOW, &rings->available);
	set_address(base, QUEUE_DEVICE_LOW, &rings->used);
	rings->available.flags = AVAIL_NO_INTERRUPT;
	*used_event(queue) = FAR_AWAY;
	register_write(base, QUEUE_READY, 1);
}

void queue_offer(struct virtqueue *queue, u16 head)
{
	queue->rings->available.ring[queue->available++ % queue->size] = head;
}

/* Section 2.7.10: whether an event lies among the entries that are new. */
static bool passes(u16 event, u16 before, u16 now)
{
	return (u16)(now - event - 1) < (u16)(now - before);
}

void queue_publish(struct virtqueue *queue)
{
	u16 before = queue->published;
	bool notify;

	if (before == queue->available)
		return;
	compiler_barrier();
	*(volatile u16 *)&queue->rings->available.index = queue->available;
	queue->published = queue->available;
	full_barrier();
	if (queue->has_events)
		notify = passes(available_event(queue), before, queue->available);
	else
		notify = !(*(volatile u16 *)&queue->rings->used.flags & USED_NO_NOTIFY);
	if (notify) {
		queue->notifications++;
		register_write(queue->base, QUEUE_NOTIFY, queue->number);
	}
}

bool queue_take(struct virtqueue *queue, u32 *head, u32 *length)
{
	u16 place = queue->used % queue->size;

	if (*(volatile u16 *)&queue->rings->used.index == queue->used)
		return false;
	compiler_barrier();
	*head = queue->rings->used.ring[place].head;
	*length = queue->rings->used.ring[place].length;
	queue->used++;
	/* Seldom: each store takes the line from the device. */
	if (queue->used % 64 == 0)
		*used_event(queue) = (u16)(queue->used + FAR_AWAY);
	return true;
}
