/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-net device and its two queues (virtio 1.2, section 5.1), and what is measured with it:
 * frames to a peer that only takes them, and frames to one that sends each back.
 */
#ifndef BENCH_CARD_H
#define BENCH_CARD_H

#include "measure.h"

struct card {
	struct virtqueue receive;
	struct virtqueue transmit;
};

struct traffic {
	char name[NAME_BYTES];
	bool echo;
	u64 bytes; /* of a frame, without its checksum */
	u64 depth;
	u64 count;
};

/* Whether there is a card at this address; if so it is made ready, or the machine ends with FAIL. */
bool card_start(struct card *card, u64 base);

/* Takes "NAME,BYTES,DEPTH,COUNT" off the text; NULL or what is wrong with it. */
const char *traffic_take(const char **text, struct traffic *traffic, const struct card *card);

/*
 * Keeps depth frames under way until count of them are done: taken by the device, or back again with
 * every byte as it was. Ends the machine with FAIL if something is wrong.
 */
void traffic_measure(struct card *card, const struct traffic *traffic,
		     struct measurement *measurement);

#endif
