/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of frames between the host and the agent. What goes out waits in a ring of a fixed
 * size, and no call here ever blocks; who wants to send looks for room first.
 */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include "sys.h"

/* The room that must be there before anything is done that sends frames other than DATA. */
#define CHANNEL_RESERVE 8192u

struct frame {
	u32 size;
	u8 type;
	u8 stream;
	u16 task;
	const u8 *bytes;
};

/* Waits for a channel as long as it takes. */
void channel_find(void);
/* For tests: the port is looked for below a directory in place of /, and vsock is left alone. */
void channel_look_below(const char *directory);
/* A device or a stream socket of a file system; does not come back if it cannot be opened. */
void channel_open_path(const char *path);
void channel_use(int fd);

int channel_fd(void);
bool channel_is_lost(void);
/* True for a virtio port whose host end has not said anything yet: it may be closed now. */
bool channel_is_silent_port(void);
bool channel_is_port(void);

u32 channel_room(void);
bool channel_has_output(void);
void channel_send(u8 type, u8 stream, u16 task, const void *bytes, u32 size);
void channel_send_u32(u8 type, u8 stream, u16 task, u32 value);
/* A frame of DATA with what can be read; returns how much, 0 at the end, or a negative errno. */
long channel_send_from(int fd, u8 stream, u16 task, u32 limit);
/* Whether so many bytes, which stand in a pipe, may go to the channel without being copied. */
bool channel_can_splice(u32 size);
/* As channel_send_from, if that may be. */
long channel_splice_from(int pipe, u8 stream, u16 task, u32 limit);
void channel_flush(void);

void channel_receive(void);
/* The next whole frame, which lasts until the next call of channel_receive. */
bool channel_next(struct frame *frame);

static inline u32 get_u16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

static inline u32 get_u32(const u8 *p)
{
	return get_u16(p) | get_u16(p + 2) << 16;
}

static inline u64 get_u64(const u8 *p)
{
	return get_u32(p) | (u64)get_u32(p + 4) << 32;
}

#endif
