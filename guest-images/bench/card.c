/* SPDX-License-Identifier: Apache-2.0 */
#include "card.h"

#include "latency.h"

#define NETWORK_CARD 1
#define RECEIVE 0
#define TRANSMIT 1

#define FRAMES (QUEUE_MAX / 2)
#define FRAME_MAX 1514
#define FRAME_MIN 60
/* struct virtio_net_hdr, section 5.1.6; all of it 0: no offloads are negotiated. */
#define HEADER_BYTES 12
/* More than half a minute of any processor, so that a lost frame ends the run. */
#define PATIENCE (1ull << 37)

/* For experiments (IEEE 802): nobody else takes notice. */
#define ETHERTYPE 0x88B5

struct frame {
	u8 header[HEADER_BYTES];
	u8 destination[6];
	u8 source[6];
	u8 ethertype[2];
	/* What a peer looks at: 1 if it is to send the frame back. */
	u8 echo;
	u8 slot;
	u32 number;
	u8 data[FRAME_MAX - 20];
	u64 started;
} __attribute__((aligned(64)));

static struct rings receive_rings, transmit_rings;
static struct frame sent[FRAMES], received[FRAMES];
/* A frame is done when the device has taken it and, for an echo, the peer has sent it back. */
static bool with_device[FRAMES], awaited[FRAMES];

bool card_start(struct card *card, u64 base)
{
	u64 features;

	if (!virtio_is(base, NETWORK_CARD))
		return false;
	features = virtio_negotiate(base, F_EVENT_IDX, F_VERSION_1);
	queue_start(&card->receive, &receive_rings, base, RECEIVE, features);
	queue_start(&card->transmit, &transmit_rings, base, TRANSMIT, features);
	virtio_driver_ok(base);
	for (u16 i = 0; i < FRAMES && i < card->receive.size; i++) {
		receive_rings.descriptors[i] = (struct descriptor){
			(u64)received[i].header, HEADER_BYTES + FRAME_MAX, DESC_WRITE, 0};
		queue_offer(&card->receive, i);
	}
	queue_publish(&card->receive);
	return true;
}

const char *traffic_take(const char **text, struct traffic *traffic, const struct card *card)
{
	if (!card->transmit.size)
		return "there is no network card";
	if (!take_word(text, traffic->name, sizeof(traffic->name)))
		return "name";
	if (!take_number(text, &traffic->bytes) || traffic->bytes < FRAME_MIN ||
	    traffic->bytes > FRAME_MAX || !take_char(text, ','))
		return "bytes";
	/* As many may come back at once. */
	if (!take_number(text, &traffic->depth) || !traffic->depth || traffic->depth > FRAMES ||
	    traffic->depth > card->transmit.size || traffic->depth > card->receive.size ||
	    !take_char(text, ','))
		return "depth";
	if (!take_number(text, &traffic->count) || !traffic->count)
		return "count";
	return NULL;
}

static u8 expected(u32 number, u64 place)
{
	return (u8)(number * 31 + place);
}

static void send(struct card *card, const struct traffic *traffic, u16 slot, u32 number)
{
	static const u8 peer[6] = {2, 'b', 'e', 'n', 'c', 'h'};
	struct frame *frame = &sent[slot];

	for (int i = 0; i < 6; i++) {
		frame->destination[i] = peer[i];
		frame->source[i] = peer[5 - i] & 0xfe;
	}
	frame->source[0] = 2;
	frame->ethertype[0] = ETHERTYPE >> 8;
	frame->ethertype[1] = ETHERTYPE & 0xff;
	frame->echo = traffic->echo;
	frame->slot = (u8)slot;
	frame->number = number;
	for (u64 i = 0; i < traffic->bytes - 20; i++)
		frame->data[i] = expected(number, i);
	transmit_rings.descriptors[slot] = (struct descriptor){
		(u64)frame->header, (u32)(HEADER_BYTES + traffic->bytes), 0, 0};
	with_device[slot] = true;
	awaited[slot] = traffic->echo;
	frame->started = cycles();
	queue_offer(&card->transmit, slot);
}

/* The slot of a frame that has come back. */
static u16 check(const struct traffic *traffic, const struct frame *frame, u32 length)
{
	u16 slot = frame->slot;

	if (length != HEADER_BYTES + traffic->bytes)
		fail_number(traffic->name, "length of what came back is", length);
	if (slot >= traffic->depth || !awaited[slot] || frame->number != sent[slot].number)
		fail_number(traffic->name, "a frame came back that was not sent:", frame->number);
	for (u64 i = 0; i < traffic->bytes - 20; i++)
		if (frame->data[i] != expected(frame->number, i))
			fail_number(traffic->name, "wrong data at byte", i + 20);
	return slot;
}

/* Takes what has come back until a frame is done by it; false if none is. */
static bool take_received(struct card *card, const struct traffic *traffic, u16 *slot)
{
	u32 head, length;
	bool is_done = false;

	while (!is_done && queue_take(&card->receive, &head, &length)) {
		const struct frame *frame;

		if (head >= FRAMES)
			fail_number(traffic->name, "no buffer of ours is used:", head);
		frame = &received[head];
		if (length > HEADER_BYTES + 20 && frame->ethertype[0] == ETHERTYPE >> 8 &&
		    frame->ethertype[1] == (ETHERTYPE & 0xff)) {
			*slot = check(traffic, frame, length);
			awaited[*slot] = false;
			is_done = !with_device[*slot];
		}
		queue_offer(&card->receive, (u16)head);
	}
	return is_done;
}

/* Takes what the device has sent until a frame is done by that; false if none is. */
static bool take_sent(struct card *card, const struct traffic *traffic, u16 *slot)
{
	u32 head, length;

	while (queue_take(&card->transmit, &head, &length)) {
		if (head >= traffic->depth || !with_device[head])
			fail_number(traffic->name, "no frame of ours is used:", head);
		with_device[head] = false;
		if (!awaited[head]) {
			*slot = (u16)head;
			return true;
		}
	}
	return false;
}

static bool take(struct card *card, const struct traffic *traffic, u16 *slot)
{
	return take_sent(card, traffic, slot) || take_received(card, traffic, slot);
}

static void run(struct card *card, const struct traffic *traffic)
{
	u64 quiet_since = cycles();
	u64 next = 0, done = 0, looks = 0;
	u16 slot;

	while (next < traffic->count && next < traffic->depth) {
		send(card, traffic, (u16)next, (u32)next);
		next++;
	}
	queue_publish(&card->transmit);
	while (done < traffic->count) {
		u64 now = 0;

		while (take(card, traffic, &slot)) {
			if (!now)
				now = cycles();
			done++;
			latency_add(now - sent[slot].started);
			if (next < traffic->count)
				send(card, traffic, slot, (u32)next++);
		}
		if (now) {
			queue_publish(&card->receive);
			queue_publish(&card->transmit);
			quiet_since = now;
		} else if (++looks % (1 << 20) == 0 && cycles() - quiet_since > PATIENCE) {
			fail_number(traffic->name, "no answer; frames that are done:", done);
		}
		relax();
	}
}

void traffic_measure(struct card *card, const struct traffic *traffic,
		     struct measurement *measurement)
{
	u64 notifications = card->transmit.notifications;
	u64 begin;

	latency_clear();
	begin = cycles();
	run(card, traffic);
	measurement->cycles = cycles() - begin;
	measurement->count = traffic->count;
	measurement->notifications = card->transmit.notifications - notifications;
	measurement->median_cycles = latency_percentile(50);
	measurement->late_cycles = latency_percentile(99);
}
