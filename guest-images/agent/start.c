// SPDX-License-Identifier: Apache-2.0
/* Makes a task's pipes or terminal and starts its process. */
#include <linux/sched.h>

#include "agent.h"
#include "child.h"
#include "group.h"
#include "task.h"
#include "taint.h"
#include "util.h"

#define PIPE_BYTES WINDOW /* fewer turns of the loop for much output than with the usual 64 KiB */

void task_fail(struct task *task, u32 how, long error, const char *text)
{
	struct { u32 how, value, flags; char text[sizeof(task->failure.text)]; } ended = {
		.how = how, .value = error,
	};

	format(ended.text, sizeof(ended.text), "%s: %s", text, error_text(error));
	channel_send(AGENT_ENDED, 0, task->number, &ended, 12 + length_of(ended.text));
	input_close(&task->input);
	for (int i = 0; i < 2; i++)
		close_fd(&task->output[i].fd);
	close_fd(&task->report);
	unmap(task->strings, task->strings_size);
	group_remove(task);
	task->state = FREE;
}

static void set_nonblocking(int fd)
{
	sys(fcntl, fd, F_SETFL, sys(fcntl, fd, F_GETFL) | O_NONBLOCK);
}

/* A pipe of which the agent keeps one end, end 0 to read or end 1 to write. */
static long open_pipe(int *ours, int *theirs, int our_end)
{
	int ends[2];
	long result = sys(pipe2, ends, O_CLOEXEC);

	if (result < 0)
		return result;
	*ours = ends[our_end];
	*theirs = ends[!our_end];
	set_nonblocking(*ours);
	sys(fcntl, *ours, F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

/* Both of the agent's descriptors are the terminal's master, so that each can be closed by itself. */
static long open_terminal(struct task *task, struct launch *launch)
{
	struct winsize size = { .ws_row = task->rows, .ws_col = task->columns };
	int master, number, unlocked = 0;
	long slave;

	master = sys(open, "/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master == -ENOENT)
		master = sys(open, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master < 0)
		return master;
	task->output[0].fd = master;
	sys(ioctl, master, TIOCSPTLCK, &unlocked);
	sys(ioctl, master, TIOCSWINSZ, &size);
	slave = sys(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		char path[32];

		if (sys(ioctl, master, TIOCGPTN, &number) < 0)
			return -ENODEV;
		format(path, sizeof(path), "/dev/pts/%ld", (long)number);
		slave = sys(open, path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	}
	if (slave < 0)
		return slave;
	launch->ends[0] = slave;
	input_open(&task->input, sys(fcntl, master, F_DUPFD_CLOEXEC, 3));
	return task->input.fd < 0 ? -EMFILE : 0;
}

static long open_pipes(struct task *task, struct launch *launch)
{
	bool has_output = task->kind != WRITER;
	bool has_errors = task->kind == COMMAND && !(task->flags & EXEC_ONE_OUTPUT);
	long result = 0;
	int fd = -1;

	if (task->input.is_over)
		launch->ends[0] = sys(open, "/dev/null", O_RDONLY | O_CLOEXEC);
	if (launch->ends[0] < 0) {
		result = open_pipe(&fd, &launch->ends[0], 1);
		if (result == 0 && task->input.is_over)
			close_fd(&fd); /* no /dev/null: a pipe that nobody writes to does as well */
		else if (result == 0)
			input_open(&task->input, fd);
		if (result == 0 && !task->input.is_over && task->input.fd < 0)
			result = -ENOMEM;
	}
	if (result == 0 && has_output)
		result = open_pipe(&task->output[0].fd, &launch->ends[1], 0);
	if (result == 0 && has_errors)
		result = open_pipe(&task->output[1].fd, &launch->ends[2], 0);
	return result;
}

/* The strings are known to be as many as was said. */
static void point_at_strings(const struct task *task, struct launch *launch, char **vector)
{
	char *at = task->strings;

	launch->user = at;
	at += length_of(at) + 1;
	launch->directory = at;
	launch->arguments = vector;
	launch->variables = vector + task->arguments + 1;
	for (u32 i = 0; i < task->arguments + task->variables; i++) {
		at += length_of(at) + 1;
		vector[i + (i >= task->arguments)] = at;
	}
}

/*
 * The process is in its group from its first instruction on, or the group is given up: what is not in
 * it would not be found there. A kernel before 5.7 leaves it to the process, and nobody looks.
 */
static long fork_in_group(struct task *task)
{
	struct clone_args how = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int folder = -1;
	long result;

	if (!task->cgroup[0])
		return sys(fork);
	folder = sys(open, task->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	how.cgroup = folder;
	if (folder < 0)
		return sys(fork);
	result = sys(clone3, &how, sizeof(how));
	if (result == 0)
		return 0;
	close_fd(&folder);
	if (result > 0 || result == -EAGAIN || result == -ENOMEM)
		return result;
	if (result != -ENOSYS && result != -EINVAL && result != -E2BIG)
		group_remove(task);
	return sys(fork);
}

void task_start(struct task *task)
{
	struct launch launch = { .ends = { -1, -1, -1 }, .report = -1 };
	size_t vector_size = sizeof(char *) *
			     ((size_t)task->arguments + task->variables + 2 + CHILD_VARIABLES);
	bool is_command = task->kind == COMMAND;
	char **vector = is_command ? map(vector_size) : NULL;
	bool is_terminal = task->flags & EXEC_TERMINAL;
	u64 all = ~0ul, before;
	long result = -ENOMEM;

	if (vector || !is_command)
		result = is_terminal ? open_terminal(task, &launch) : open_pipes(task, &launch);
	if (result == 0)
		result = open_pipe(&task->report, &launch.report, 0);
	if (result == 0 && is_command) {
		point_at_strings(task, &launch, vector);
		group_create(task);
		task->taint = kernel_taint();
	}
	if (result == 0) {
		/* A signal that comes at once must find the process as it wants to be. */
		sys(rt_sigprocmask, SIG_BLOCK, &all, &before, SIGNAL_SET_SIZE);
		result = fork_in_group(task);
		if (result)
			sys(rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_SIZE);
	}
	if (result == 0 && is_command)
		child_command(task, &launch);
	if (result == 0)
		child_copy(task, &launch);
	for (int i = 0; i < 3; i++)
		close_fd(&launch.ends[i]);
	close_fd(&launch.report);
	unmap(vector, vector_size);
	if (result < 0)
		return task_fail(task, HOW_FAILED, -result, "cannot start a process");
	task->pid = result;
	unmap(task->strings, task->strings_size);
	task->strings = NULL;
	for (int i = 0; i < 2; i++)
		task->output[i].is_over = task->output[i].fd < 0;
	if (is_terminal)
		input_move(task); /* its input may be at its end already */
}
