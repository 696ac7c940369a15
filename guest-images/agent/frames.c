// SPDX-License-Identifier: Apache-2.0
/* The host's frames about tasks. Each is checked before it is known whether its task still exists. */
#include "agent.h"
#include "group.h"
#include "task.h"
#include "util.h"

static void wrong(const struct frame *frame, const char *what)
{
	end_agent("protocol: frame of type %lu for task %lu: %s", (unsigned long)frame->type,
		  (unsigned long)frame->task, what);
}

static struct task *find(u16 number)
{
	for (struct task *task = tasks; task < tasks + TASKS; task++)
		if (task->state != FREE && task->number == number)
			return task;
	return NULL;
}

static struct task *new_task(const struct frame *frame, u8 kind)
{
	struct task *task = tasks;

	if (find(frame->task))
		wrong(frame, "it exists already");
	while (task < tasks + TASKS && task->state != FREE)
		task++;
	if (task == tasks + TASKS) {
		struct { u32 how, value, flags; char text[24]; } ended = {
			HOW_FAILED, EAGAIN, 0, "64 tasks exist already",
		};

		channel_send(AGENT_ENDED, 0, frame->task, &ended, 12 + length_of(ended.text));
		return NULL;
	}
	memset(task, 0, sizeof(*task));
	task->number = frame->task;
	task->kind = kind;
	task->state = COLLECTING;
	task->report = task->input.fd = task->output[0].fd = task->output[1].fd = -1;
	task->input.window = task->output[0].window = task->output[1].window = WINDOW;
	return task;
}

static void collect(struct task *task, u32 size)
{
	task->strings_size = size;
	task->strings = map(size);
	if (!task->strings)
		task_fail(task, HOW_FAILED, ENOMEM, "no memory for the strings");
}

static void begin_exec(const struct frame *frame)
{
	u32 flags = get_u32(frame->bytes), size = get_u32(frame->bytes + 16);
	u64 arguments = get_u32(frame->bytes + 8), variables = get_u32(frame->bytes + 12);
	struct task *task;

	if (flags & ~(EXEC_TERMINAL | EXEC_INPUT | EXEC_ONE_OUTPUT))
		wrong(frame, "unknown flags");
	/* Each string has its NUL, so there are no more of them than bytes. */
	if (size > STRINGS_BYTES || !arguments || 2 + arguments + variables > size)
		wrong(frame, "numbers that cannot be");
	task = new_task(frame, COMMAND);
	if (!task)
		return;
	task->flags = flags;
	task->rows = get_u16(frame->bytes + 4);
	task->columns = get_u16(frame->bytes + 6);
	task->arguments = arguments;
	task->variables = variables;
	task->input.is_over = !(flags & EXEC_INPUT);
	collect(task, size);
}

static void begin_copy(const struct frame *frame, u8 kind)
{
	u32 size = get_u32(frame->bytes + frame->size - 4);
	struct task *task;

	if (!size || size > STRINGS_BYTES)
		wrong(frame, "a length that cannot be");
	task = new_task(frame, kind);
	if (!task)
		return;
	task->mode = kind == WRITER ? get_u32(frame->bytes) & 07777 : 0;
	task->input.is_over = kind == READER;
	task->variables = task->arguments = 0;
	collect(task, size);
}

static void add_strings(struct task *task, const struct frame *frame)
{
	u32 count = 0, expected = task->kind == COMMAND ? 2 + task->arguments + task->variables : 1;

	if (task->state != COLLECTING || frame->size > task->strings_size - task->strings_got)
		wrong(frame, "more strings than were said");
	memcpy(task->strings + task->strings_got, frame->bytes, frame->size);
	task->strings_got += frame->size;
	if (task->strings_got < task->strings_size)
		return;
	for (u32 i = 0; i < task->strings_size; i++)
		count += !task->strings[i];
	if (count != expected || task->strings[task->strings_size - 1])
		wrong(frame, "another number of strings than was said");
	task->state = RUNNING;
	task_start(task);
}

static void credit(struct output *output, const struct frame *frame)
{
	u32 more = get_u32(frame->bytes);

	if (more > WINDOW_LIMIT || output->window + more > WINDOW_LIMIT)
		wrong(frame, "the window gets too large");
	output->window += more;
}

static void close_output(struct task *task, int i)
{
	close_fd(&task->output[i].fd);
	task->output[i].is_over = true;
	if (i == 0 && (task->flags & EXEC_TERMINAL))
		input_close(&task->input); /* the other end of a terminal is hung up by that */
}

/* SIGTERM ends the process, or is seen by it when its pipe ends. */
static void give_up_copy(struct task *task)
{
	if (!task->is_gone && task->pid > 0)
		sys(kill, task->pid, SIGTERM);
	input_close(&task->input);
	close_output(task, 0);
}

static void send_signal(struct task *task, u32 number, bool to_all)
{
	if (task->kind != COMMAND) {
		give_up_copy(task);
	} else if (to_all) {
		task_signal_all(task, number);
	} else if (!task->is_gone && task->pid > 0) {
		sys(kill, task->pid, number);
	}
}

static void resize(struct task *task, u16 rows, u16 columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (!(task->flags & EXEC_TERMINAL))
		return;
	sys(ioctl, task->input.fd >= 0 ? task->input.fd : task->output[0].fd, TIOCSWINSZ, &size);
}

/* Sizes of the frames that have one, by type; STRINGS and DATA have any. */
static const u8 sizes[] = {
	[EXEC] = 20, [CREDIT] = 4, [SIGNAL] = 8, [RESIZE] = 4, [READ] = 4, [WRITE] = 8,
};

static void check(const struct frame *frame)
{
	bool is_output = frame->type == CREDIT || frame->type == CLOSE;

	if (!frame->task)
		wrong(frame, "no task");
	if (frame->type != STRINGS && frame->type != DATA && frame->size != sizes[frame->type])
		wrong(frame, "wrong size");
	if (is_output ? frame->stream != 1 && frame->stream != 2 : frame->stream != 0)
		wrong(frame, "wrong stream");
	if (frame->type == SIGNAL &&
	    (get_u32(frame->bytes) - 1 >= SIGNALS || get_u32(frame->bytes + 4) > 1))
		wrong(frame, "no such signal");
}

void task_frame(const struct frame *frame)
{
	struct task *task;

	check(frame);
	if (frame->type == EXEC)
		return begin_exec(frame);
	if (frame->type == READ || frame->type == WRITE)
		return begin_copy(frame, frame->type == READ ? READER : WRITER);
	task = find(frame->task);
	if (!task)
		return; /* its ENDED and this frame met on their ways */
	if (frame->type == STRINGS)
		return add_strings(task, frame);
	if (task->state == COLLECTING)
		wrong(frame, "its strings are not complete");

	switch (frame->type) {
	case DATA:
		input_data(&task->input, frame->bytes, frame->size);
		input_move(task);
		break;
	case END_OF_DATA:
		task->input.is_over = true;
		input_move(task);
		break;
	case CREDIT:
		credit(&task->output[frame->stream - 1], frame);
		break;
	case CLOSE:
		if (task->kind == COMMAND)
			close_output(task, frame->stream - 1);
		else
			give_up_copy(task);
		break;
	case SIGNAL:
		send_signal(task, get_u32(frame->bytes), get_u32(frame->bytes + 4));
		break;
	case RESIZE:
		resize(task, get_u16(frame->bytes), get_u16(frame->bytes + 2));
		break;
	}
}
