/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio-blk device and its one queue (virtio 1.2, section 5.2). */
#ifndef BENCH_DISK_H
#define BENCH_DISK_H

#include "virtio.h"

#define SECTOR_BYTES 512

struct disk {
	struct virtqueue queue;
	u64 features; /* negotiated */
	u64 sectors;
};

/* Whether there is a disk at this address; if so it is made ready, or the machine ends with FAIL. */
bool disk_start(struct disk *disk, u64 base);

#endif
