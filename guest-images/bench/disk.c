/* SPDX-License-Identifier: Apache-2.0 */
#include "disk.h"

#define DISK 2
#define CAPACITY CONFIG
#define F_FLUSH (1ull << 9)

static struct rings rings;

bool disk_start(struct disk *disk, u64 base)
{
	u32 generation;

	if (!virtio_is(base, DISK))
		return false;
	disk->features = virtio_negotiate(base, F_EVENT_IDX, F_INDIRECT_DESC | F_FLUSH);
	queue_start(&disk->queue, &rings, base, 0, disk->features);
	virtio_driver_ok(base);
	do {
		generation = register_read(base, CONFIG_GENERATION);
		disk->sectors = register_read(base, CAPACITY) |
				(u64)register_read(base, CAPACITY + 4) << 32;
	} while (generation != register_read(base, CONFIG_GENERATION));
	return true;
}
