/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task: a command, or a file that is copied by a process of its own so that no file system can
 * hold the agent up. Either is a process with pipes (or a terminal) and a report of what failed.
 */
#ifndef AGENT_TASK_H
#define AGENT_TASK_H

#include "channel.h"
#include "protocol.h"
#include "sys.h"

enum task_kind { COMMAND, READER, WRITER };

enum task_state {
	FREE,
	COLLECTING, /* its strings are on their way */
	RUNNING,
	DRAINING, /* it has ended, others may still write */
	KILLING, /* what it has left was killed and has to vanish */
	FLUSHING, /* what stands in the pipes is sent */
};

/* Why a task failed; the process writes it to its report pipe, whole. */
struct failure {
	u32 how;
	u32 error;
	char text[504];
};

struct output {
	int fd;
	bool is_over; /* EOF was sent, or CLOSE received */
	u32 window;
	u32 rest; /* FLUSHING: bytes still to be sent */
};

struct input {
	int fd;
	bool is_over; /* EOF was received: nothing follows what is in the ring */
	u8 *ring; /* WINDOW bytes; head and tail count all bytes ever put in and taken out */
	u32 head, tail;
	u32 window;
	u32 owed; /* bytes taken since the last CREDIT */
	u8 last; /* the last byte that a terminal got */
};

struct task {
	u16 number;
	u8 state;
	u8 kind;

	u32 flags;
	u16 rows, columns;
	u32 mode;
	u32 arguments, variables;
	char *strings;
	u32 strings_size, strings_got;

	int pid;
	int wait_status;
	bool is_gone;
	bool has_failed;
	bool killed_rest;
	int report;
	struct failure failure;
	struct input input;
	struct output output[2]; /* standard output and error */
	char cgroup[64]; /* its folder, or empty */
	u64 machine_oom_kills; /* at the start */
	u32 taint; /* the kernel's, at the start */

	s64 gone_at, quiet_since, killed_at;
};

extern struct task tasks[TASKS];

/* What the frames of a task do; a frame that must not come ends the agent. */
void task_frame(const struct frame *frame);

/* Starts the process of a task whose strings are complete. */
void task_start(struct task *task);
/* Fills in task->failure. */
void task_fail(struct task *task, u32 how, long error, const char *text);

/* One more than the last task that is not free. */
u32 tasks_used(void);

/* Descriptors to wait for: always TASK_FDS, those that are not wanted are -1. */
#define TASK_FDS 4
void task_poll(const struct task *task, struct pollfd *wait);
/* Milliseconds until the task has to be looked at again, or limit. */
long task_patience(const struct task *task, s64 now, long limit);
/* Moves bytes where there was an event, or all that can be moved if events is NULL. */
void task_move(struct task *task, const struct pollfd *events);
/* Looks whether the task has come to its next state. */
void task_advance(struct task *task, s64 now);
/* The process has ended. */
void task_reaped(int pid, int wait_status, s64 now);
/* Sends a signal to a command and to all that it started. */
void task_signal_all(const struct task *task, int number);
/* Kills all tasks, as the agent's own end follows. */
void tasks_kill(void);

/* input.c */
void input_open(struct input *input, int fd);
void input_data(struct input *input, const u8 *bytes, u32 size);
void input_move(struct task *task);
void input_close(struct input *input);

#endif
