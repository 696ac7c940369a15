/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio-blk device on the MMIO transport, version 2, with its one queue (virtio 1.2). */
#ifndef BENCH_VIRTIO_H
#define BENCH_VIRTIO_H

#include "guest.h"

#define QUEUE_MAX 256
#define SECTOR_BYTES 512

#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060

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

struct disk {
	u64 base;     /* of its registers */
	u64 features; /* negotiated */
	u64 sectors;
	u16 queue_size;

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

/* Whether there is a disk at this address; if so it is made ready, or the machine ends with FAIL. */
bool disk_start(struct disk *disk, u64 base);

/* The descriptor whose number is a request's name in the rings. */
struct descriptor *disk_descriptor(u16 head);

/* Puts a request into the ring; the device hears of it by disk_publish. */
void disk_offer(struct disk *disk, u16 head);

/* Shows the device what was offered, and notifies it unless it asked not to be. */
void disk_publish(struct disk *disk);

/* Takes a finished request; false if there is none. */
bool disk_take(struct disk *disk, u32 *head, u32 *length);

#endif
