// SPDX-License-Identifier: Apache-2.0
/* Standard input: from frames over a ring to a pipe or a terminal, with credit for what was taken. */
#include "agent.h"
#include "task.h"
#include "util.h"

/* A CREDIT for every so many bytes, so that a stream of small writes does not double the frames. */
#define CREDIT_STEP (WINDOW / 4)

static u32 smaller(u32 a, u32 b)
{
	return a < b ? a : b;
}

void input_open(struct input *input, int fd)
{
	input->fd = fd;
	input->ring = fd < 0 ? NULL : map(WINDOW);
	if (fd >= 0 && !input->ring)
		close_fd(&input->fd);
}

void input_close(struct input *input)
{
	close_fd(&input->fd);
	unmap(input->ring, WINDOW);
	input->ring = NULL;
	input->head = input->tail = 0;
}

void input_data(struct input *input, const u8 *bytes, u32 size)
{
	if (input->is_over)
		end_agent("protocol: input after its end");
	if (size > input->window)
		end_agent("protocol: input beyond the window");
	input->window -= size;
	if (input->fd < 0)
		return; /* the command has closed its end: what comes is dropped, without credit */
	while (size) {
		u32 start = input->head % WINDOW;
		u32 part = smaller(size, WINDOW - start);

		memcpy(input->ring + start, bytes, part);
		input->head += part;
		bytes += part;
		size -= part;
	}
}

/*
 * The end of a terminal's input is its end-of-file character: alone on a line it ends the reader's
 * input, after other characters it first passes those on.
 */
static bool end_terminal(struct input *input)
{
	struct termios modes;
	u8 ends[2] = { 4, 4 };
	bool in_line = false;
	long size, sent;

	if (sys(ioctl, input->fd, TCGETS, &modes) == 0) {
		in_line = (modes.c_lflag & ICANON) && input->last && input->last != '\n' &&
			  input->last != '\r' && input->last != modes.c_cc[VEOF];
		ends[0] = ends[1] = modes.c_cc[VEOF];
	}
	size = in_line ? 2 : 1;
	sent = sys(write, input->fd, ends, size);
	if (sent > 0)
		input->last = ends[0];
	return sent == size || (sent < 0 && sent != -EAGAIN && sent != -EINTR);
}

void input_move(struct task *task)
{
	struct input *input = &task->input;

	while (input->fd >= 0 && input->head != input->tail) {
		u32 start = input->tail % WINDOW;
		u32 size = smaller(input->head - input->tail, WINDOW - start);
		long sent = sys(write, input->fd, input->ring + start, size);

		if (sent == -EINTR)
			continue;
		if (sent == -EAGAIN || sent == 0)
			break;
		if (sent < 0) {
			input_close(input);
			break;
		}
		input->last = input->ring[start + sent - 1];
		input->tail += sent;
		input->owed += sent;
	}
	if (input->owed >= CREDIT_STEP && !input->is_over && channel_room() >= CHANNEL_RESERVE) {
		channel_send_u32(AGENT_CREDIT, 0, task->number, input->owed);
		input->window += input->owed;
		input->owed = 0;
	}
	if (input->fd < 0 || input->head != input->tail || !input->is_over)
		return;
	if (!(task->flags & EXEC_TERMINAL))
		input_close(input);
	else if (input->ring && end_terminal(input)) {
		/* Open for as long as the output is, but nothing more is to be written. */
		unmap(input->ring, WINDOW);
		input->ring = NULL;
	}
}
