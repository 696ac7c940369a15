// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include "agent.h"
#include "protocol.h"
#include "util.h"

#define RING (256u << 10) /* a power of two */
#define SMALLEST_SPLICE 16384u /* below it is not worth a header by itself */
#define SPLICE_F_MOVE 1
#define SPLICE_F_NONBLOCK 2

static int channel = -1;
static bool is_port;
static bool heard;
static bool lost;

/* head and tail count all bytes that were ever put in and taken out. */
static u8 ring[RING];
static u32 head, tail;

/*
 * A frame of DATA is announced, and so many of its bytes are still in a pipe of our own, which never
 * has anything else: a port of Linux 6.1 goes wrong if it is given a part of what is in a pipe.
 */
static int spliced[2] = { -1, -1 };
static u32 splice_left;
static bool can_splice = true;

static u8 input[2 * (FRAME_HEADER + FRAME_BYTES)];
static u32 input_at, input_end;

void channel_use(int fd)
{
	struct stat status;

	channel = fd;
	sys(fcntl, fd, F_SETFD, FD_CLOEXEC);
	sys(fcntl, fd, F_SETFL, sys(fcntl, fd, F_GETFL) | O_NONBLOCK);
	is_port = sys(fstat, fd, &status) == 0 && S_ISCHR(status.st_mode);
}

int channel_fd(void)
{
	return channel;
}

bool channel_is_lost(void)
{
	return lost;
}

bool channel_is_port(void)
{
	return is_port;
}

bool channel_is_silent_port(void)
{
	return is_port && !heard;
}

/* None while a frame is not whole: nothing may come between its bytes. */
u32 channel_room(void)
{
	return splice_left ? 0 : RING - (head - tail);
}

bool channel_has_output(void)
{
	return head != tail || splice_left;
}

/* The places in the ring of size bytes from a count on: one or, over the ring's end, two. */
static int places(u32 from, u32 size, struct iovec where[2])
{
	u32 start = from % RING;
	u32 first = size < RING - start ? size : RING - start;

	where[0] = (struct iovec){ ring + start, first };
	where[1] = (struct iovec){ ring, size - first };
	return size > first ? 2 : 1;
}

static void put(const void *bytes, u32 size)
{
	struct iovec where[2];
	int n = places(head, size, where);

	memcpy(where[0].iov_base, bytes, where[0].iov_len);
	if (n == 2)
		memcpy(where[1].iov_base, (const u8 *)bytes + where[0].iov_len, where[1].iov_len);
	head += size;
}

static void put_header(u8 type, u8 stream, u16 task, u32 size)
{
	u8 header[FRAME_HEADER] = { size, size >> 8, size >> 16, size >> 24,
				    type, stream, task, task >> 8 };

	put(header, sizeof(header));
}

void channel_send(u8 type, u8 stream, u16 task, const void *bytes, u32 size)
{
	if (channel_room() < FRAME_HEADER + size) {
		/* Who sends has looked for room, so this is a mistake of the agent's own. */
		end_agent("no room for a frame of type %ld", (long)type);
	}
	put_header(type, stream, task, size);
	put(bytes, size);
}

void channel_send_u32(u8 type, u8 stream, u16 task, u32 value)
{
	u8 bytes[4] = { value, value >> 8, value >> 16, value >> 24 };

	channel_send(type, stream, task, bytes, sizeof(bytes));
}

/* Reads to where the frame's bytes will stand, and writes the header before them afterwards. */
long channel_send_from(int fd, u8 stream, u16 task, u32 limit)
{
	struct iovec where[2];
	long got = sys(readv, fd, where, places(head + FRAME_HEADER, limit, where));

	if (got > 0) {
		put_header(AGENT_DATA, stream, task, got);
		head += got;
	}
	return got;
}

bool channel_can_splice(u32 size)
{
	if (!can_splice || size < SMALLEST_SPLICE || channel_has_output())
		return false;
	return spliced[0] >= 0 || sys(pipe2, spliced, O_CLOEXEC) == 0;
}

long channel_splice_from(int pipe, u8 stream, u16 task, u32 limit)
{
	long got = sys(splice, pipe, NULL, spliced[1], NULL, limit, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (got > 0) {
		put_header(AGENT_DATA, stream, task, got);
		splice_left = got;
		channel_flush();
	}
	return got;
}

static void flush_ring(void)
{
	while (head != tail && !lost) {
		struct iovec where[2];
		long sent = sys(writev, channel, where, places(tail, head - tail, where));

		if (sent == -EINTR)
			continue;
		if (sent == -EAGAIN || sent == 0)
			return;
		if (sent < 0)
			lost = true;
		else
			tail += sent;
	}
}

static void copy_pipe(void)
{
	struct iovec where[2];
	long got = sys(readv, spliced[0], where, places(head, splice_left, where));

	if (got != splice_left)
		end_agent("output is lost on its way to the host");
	can_splice = false;
	splice_left = 0;
	head += got;
	flush_ring();
}

static void flush_pipe(void)
{
	while (splice_left && !lost) {
		long sent = sys(splice, spliced[0], NULL, channel, NULL, splice_left,
				SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (sent > 0)
			splice_left -= sent;
		else if (sent == -EAGAIN)
			return;
		else if (sent == -EINVAL)
			return copy_pipe(); /* a channel that can't do it */
		else if (sent == 0)
			end_agent("output is lost on its way to the host");
		else if (sent != -EINTR)
			lost = true;
	}
}

void channel_flush(void)
{
	flush_ring();
	if (head == tail)
		flush_pipe();
}

void channel_receive(void)
{
	long got;

	if (input_at) {
		memmove(input, input + input_at, input_end - input_at);
		input_end -= input_at;
		input_at = 0;
	}
	if (input_end == sizeof(input))
		return;
	got = sys(read, channel, input + input_end, sizeof(input) - input_end);
	if (got > 0) {
		heard = true;
		input_end += got;
	} else if (got == 0 && !channel_is_silent_port()) {
		lost = true;
	} else if (got < 0 && got != -EAGAIN && got != -EINTR) {
		lost = true;
	}
}

bool channel_next(struct frame *frame)
{
	const u8 *p = input + input_at;

	if (input_end - input_at < FRAME_HEADER)
		return false;
	frame->size = get_u32(p);
	frame->type = p[4];
	frame->stream = p[5];
	frame->task = get_u16(p + 6);
	frame->bytes = p + FRAME_HEADER;
	if (frame->size > FRAME_BYTES)
		end_agent("protocol: a frame of %lu bytes", (unsigned long)frame->size);
	if (input_end - input_at < FRAME_HEADER + frame->size)
		return false;
	input_at += FRAME_HEADER + frame->size;
	return true;
}
