/* SPDX-License-Identifier: Apache-2.0 */
/* Devices on the MMIO transport, version 2, and split virtqueues that are polled (virtio 1.2). */
#ifndef BENCH_VIRTIO_H
#define BENCH_VIRTIO_H

#include "guest.h"

#define QUEUE_MAX 256

#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define CONFIG_GENERATION 0x0FC
#define CONFIG 0x100

#define F_INDIRECT_DESC (1ull << 28)
#define F_EVENT_IDX (1ull << 29)
#define F_VERSION_1 (1ull << 32)

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4

/* Section 2.7.5 */
struct descriptor {
	u64 address;
	u32 length;
	u16 flags;
	u16 next;
};

/* Sections 2.7.6 and 2.7.8. The events are behind as many entries as the queue has. */
struct rings {
	struct descriptor descriptors[QUEUE_MAX] __attribute__((aligned(4096)));
	struct {
		u16 flags;
		u16 index;
		u16 ring[QUEUE_MAX + 1];
	} available __attribute__((aligned(4096)));
	struct {
		u16 flags;
		u16 index;
		struct {
			u32 head;
			u32 length;
		} ring[QUEUE_MAX + 1];
	} used __attribute__((aligned(4096)));
};

struct virtqueue {
	struct rings *rings;
	u64 base; /* of the device's registers */
	u32 number;
	u16 size;
	bool has_events;

	u16 available; /* requests made available, as the ring's index has it */
	u16 published; /* of which the device knows */
	u16 used;      /* requests taken back */
	u64 notifications;
};

static inline u32 register_read(u64 base, u32 offset)
{
	return *(volatile u32 *)(base + offset);
}

static inline void register_write(u64 base, u32 offset, u32 value)
{
	*(volatile u32 *)(base + offset) = value;
}

/* Whether the device at this address is of this type; with another version the machine ends. */
bool virtio_is(u64 base, u32 type);

/*
 * Resets the device and agrees on features: those of wanted that it has, and in any case needed, or
 * the machine ends. Queues are to be started next.
 */
u64 virtio_negotiate(u64 base, u64 wanted, u64 needed);

/* The driver is ready, and so are the queues. */
void virtio_driver_ok(u64 base);

void queue_start(struct virtqueue *queue, struct rings *rings, u64 base, u32 number, u64 features);

/* Puts a request into the ring; the device hears of it by queue_publish. */
void queue_offer(struct virtqueue *queue, u16 head);

/* Shows the device what was offered, and notifies it unless it asked not to be. */
void queue_publish(struct virtqueue *queue);

/* Takes a finished request; false if there is none. */
bool queue_take(struct virtqueue *queue, u32 *head, u32 *length);

#endif
