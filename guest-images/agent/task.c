// SPDX-License-Identifier: Apache-2.0
/* The life of a task after its start: bytes moved, its end, the drain and what it has left. */
#include "task.h"

#include "agent.h"
#include "group.h"
#include "taint.h"
#include "util.h"

#define QUIET_MS 150 /* output is over when there was none for so long */
#define DRAIN_MS 3000 /* and after so long in any case */
#define VANISH_MS 2000 /* what was killed may take so long to be gone */
#define KILL_STEP_MS 10
#define SMALLEST_READ 4096u

struct task tasks[TASKS];

u32 tasks_used(void)
{
	u32 used = TASKS;

	while (used && tasks[used - 1].state == FREE)
		used--;
	return used;
}

static bool wants_input(const struct task *task)
{
	const struct input *input = &task->input;

	return input->fd >= 0 && input->ring && (input->head != input->tail || input->is_over);
}

static bool can_read(const struct output *output)
{
	return output->window &&
	       channel_room() >= CHANNEL_RESERVE + FRAME_HEADER + SMALLEST_READ;
}

static u32 waiting_in(const struct output *output)
{
	int waiting = 0;

	if (output->fd < 0 || sys(ioctl, output->fd, FIONREAD, &waiting) < 0)
		return 0;
	return waiting;
}

void task_poll(const struct task *task, struct pollfd *wait)
{
	bool is_active = task->state >= RUNNING;

	for (int i = 0; i < TASK_FDS; i++)
		wait[i] = (struct pollfd){ .fd = -1 };
	if (!is_active)
		return;
	for (int i = 0; i < 2; i++)
		if (can_read(&task->output[i]))
			wait[i] = (struct pollfd){ .fd = task->output[i].fd, .events = POLLIN };
	if (wants_input(task))
		wait[2] = (struct pollfd){ .fd = task->input.fd, .events = POLLOUT };
	wait[3] = (struct pollfd){ .fd = task->report, .events = POLLIN };
}

static void end_output(struct task *task, int i)
{
	struct output *output = &task->output[i];

	close_fd(&output->fd);
	if (!output->is_over)
		channel_send(AGENT_END_OF_DATA, i + 1, task->number, NULL, 0);
	output->is_over = true;
}

static void move_output(struct task *task, int i)
{
	struct output *output = &task->output[i];
	u32 limit = channel_room() - CHANNEL_RESERVE - FRAME_HEADER;
	bool flushing = task->state == FLUSHING;
	u32 waiting;
	long got;

	if (output->fd < 0 || !can_read(output))
		return;
	if (limit > FRAME_BYTES)
		limit = FRAME_BYTES;
	if (limit > output->window)
		limit = output->window;
	if (flushing && limit > output->rest)
		limit = output->rest;
	waiting = task->flags & EXEC_TERMINAL ? 0 : waiting_in(output);
	if (channel_can_splice(waiting < limit ? waiting : limit))
		got = channel_splice_from(output->fd, i + 1, task->number, limit);
	else
		got = limit ? channel_send_from(output->fd, i + 1, task->number, limit) : 0;
	if (got > 0) {
		output->window -= got;
		output->rest -= flushing ? got : 0;
		task->quiet_since = now_ms();
	} else if (got == 0 || (got != -EAGAIN && got != -EINTR) || flushing) {
		end_output(task, i); /* of a terminal EIO is the end */
	}
}

/* The report pipe ends when the command runs (it closes itself then), or tells why it does not. */
static void read_report(struct task *task)
{
	long got;

	if (channel_room() < CHANNEL_RESERVE)
		return;
	got = sys(read, task->report, &task->failure, sizeof(task->failure));
	if (got == -EAGAIN || got == -EINTR)
		return;
	close_fd(&task->report);
	task->has_failed = got == sizeof(task->failure);
	task->failure.text[sizeof(task->failure.text) - 1] = 0;
	if (!task->has_failed && task->kind == COMMAND)
		channel_send_u32(AGENT_STARTED, 0, task->number, task->pid);
}

void task_move(struct task *task, const struct pollfd *events)
{
	if (task->state < RUNNING)
		return;
	if (task->report >= 0 && (!events || events[3].revents))
		read_report(task);
	/* Nothing of a command before its STARTED. */
	if (task->report >= 0 && task->kind == COMMAND)
		return;
	for (int i = 0; i < 2; i++)
		if (!events || events[i].revents)
			move_output(task, i);
	if (!events || events[2].revents)
		input_move(task);
}

long task_patience(const struct task *task, s64 now, long limit)
{
	s64 until;

	switch (task->state) {
	case DRAINING:
		until = task->quiet_since + QUIET_MS;
		if (until > task->gone_at + DRAIN_MS)
			until = task->gone_at + DRAIN_MS;
		break;
	case KILLING:
		until = now + KILL_STEP_MS;
		break;
	default:
		return limit;
	}
	if (until - now < limit)
		limit = until > now ? until - now : 0;
	return limit;
}

void task_reaped(int pid, int wait_status, s64 now)
{
	for (struct task *task = tasks; task < tasks + TASKS; task++)
		if (task->state == RUNNING && task->pid == pid && !task->is_gone) {
			task->is_gone = true;
			task->wait_status = wait_status;
			task->gone_at = task->quiet_since = now;
		}
}

static bool is_drained(struct task *task, s64 now)
{
	bool is_open = false;

	for (int i = 0; i < 2; i++) {
		struct output *output = &task->output[i];

		is_open |= output->fd >= 0;
		/* Not quiet: it is the host that does not take what is there. */
		if (!can_read(output) && waiting_in(output))
			task->quiet_since = now;
	}
	return !is_open || now >= task->quiet_since + QUIET_MS || now >= task->gone_at + DRAIN_MS;
}

static void flush(struct task *task)
{
	bool is_terminal = task->flags & EXEC_TERMINAL;

	task->state = FLUSHING;
	/* Only what is there now: somebody who was not killed could write on for ever. */
	for (int i = 0; i < 2; i++)
		task->output[i].rest = is_terminal ? 4 * FRAME_BYTES : waiting_in(&task->output[i]);
}

static void send_ended(struct task *task)
{
	struct { u32 how, value, flags; char text[sizeof(task->failure.text)]; } ended = { 0 };
	int status = task->wait_status & 0xffff;
	bool no_memory = group_out_of_memory(task);

	if (task->kind == COMMAND && !task->has_failed)
		ended.flags = (kernel_taint() & ~task->taint) << ENDED_TAINT_SHIFT;
	ended.flags |= (task->killed_rest ? ENDED_KILLED_REST : 0) | (no_memory ? ENDED_NO_MEMORY : 0);
	if (task->has_failed) {
		ended.how = task->failure.how;
		ended.value = task->failure.error;
		format(ended.text, sizeof(ended.text), "%s", task->failure.text);
	} else if (status & 0x7f) {
		ended.how = HOW_SIGNAL;
		ended.value = status & 0x7f;
	} else {
		ended.how = HOW_EXITED;
		ended.value = status >> 8;
	}
	if (task->kind != COMMAND && !task->has_failed && status) {
		/* The process that copies exits with 0 or reports; so something killed it. */
		ended.how = HOW_FAILED;
		ended.value = ECANCELED;
		format(ended.text, sizeof(ended.text), "the copy was killed");
	}
	channel_send(AGENT_ENDED, 0, task->number, &ended, 12 + length_of(ended.text));
}

static void finish(struct task *task)
{
	for (int i = 0; i < 2; i++)
		end_output(task, i);
	input_close(&task->input);
	close_fd(&task->report);
	send_ended(task);
	channel_flush(); /* the host need not wait for what is only tidying up */
	unmap(task->strings, task->strings_size);
	group_remove(task);
	task->state = FREE;
}

void task_advance(struct task *task, s64 now)
{
	if (task->state == RUNNING && task->is_gone) {
		if (task->report >= 0)
			read_report(task);
		if (task->report >= 0)
			return; /* there was no room; it is readable, as nobody writes any more */
		task->state = DRAINING;
		if (task->has_failed || task->kind != COMMAND)
			flush(task);
	}
	if (task->state == DRAINING && is_drained(task, now)) {
		task->killed_at = now;
		task->state = KILLING;
	}
	if (task->state == KILLING) {
		if (!group_is_empty(task) && now < task->killed_at + VANISH_MS) {
			task->killed_rest = true;
			group_signal(task, SIGKILL);
		} else {
			flush(task);
		}
	}
	if (task->state == FLUSHING) {
		bool is_over = true;

		for (int i = 0; i < 2; i++) {
			move_output(task, i);
			is_over &= task->output[i].fd < 0 || !task->output[i].rest;
		}
		if (is_over && channel_room() >= CHANNEL_RESERVE)
			finish(task);
	}
}

void task_signal_all(const struct task *task, int number)
{
	group_signal(task, number);
	/* Until it executes the command it may not yet be in its group. */
	if (task->report >= 0 && !task->is_gone && task->pid > 0)
		sys(kill, task->pid, number);
}

void tasks_kill(void)
{
	for (struct task *task = tasks; task < tasks + TASKS; task++) {
		if (task->state < RUNNING)
			continue;
		if (task->kind == COMMAND)
			task_signal_all(task, SIGKILL);
		else if (!task->is_gone)
			sys(kill, task->pid, SIGTERM);
		input_close(&task->input);
		for (int i = 0; i < 2; i++)
			close_fd(&task->output[i].fd);
	}
	for (struct task *task = tasks; task < tasks + TASKS; task++)
		if (task->state >= RUNNING)
			group_remove(task);
	groups_remove();
}
