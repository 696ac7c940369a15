// SPDX-License-Identifier: Apache-2.0
/* The processes that read and write files for the host: in the agent's own place a dead network
   file system would hold all commands up. */
#include "child.h"
#include "util.h"

static const char *path_of(const struct task *task)
{
	return task->strings;
}

static void fail(const struct launch *launch, const char *path, long error)
	__attribute__((noreturn));
static void fail(const struct launch *launch, const char *path, long error)
{
	struct failure failure = { .how = HOW_FAILED, .error = error };

	format(failure.text, sizeof(failure.text), "%s: %s", path, error_text(error));
	sys(write, launch->report, &failure, sizeof(failure));
	for (;;)
		sys(exit_group, 1);
}

static long copy(int from, int to)
{
	static char buffer[FRAME_BYTES];
	long got;

	for (;;) {
		got = sys(read, from, buffer, sizeof(buffer));
		if (got == -EINTR)
			continue;
		if (got <= 0)
			return got;
		for (long at = 0; at < got;) {
			long written = sys(write, to, buffer + at, got - at);

			if (written == -EINTR)
				continue;
			if (written < 0)
				return written;
			at += written;
		}
	}
}

/* The agent sends SIGTERM, which is blocked here, before it ends a pipe for another reason than EOF. */
static bool is_cancelled(void)
{
	u64 set = 1ul << (SIGTERM - 1);
	struct timespec none = { 0, 0 };

	return sys(rt_sigtimedwait, &set, NULL, &none, SIGNAL_SET_SIZE) == SIGTERM;
}

/*
 * From here on SIGTERM ends the process at once, also in the middle of a call: a FIFO, a terminal or
 * the kernel's log may let it wait for ever, and there is nothing to be tidied up.
 */
static void may_be_killed(void)
{
	struct { void *handler; u64 flags; void *restorer; u64 mask; } standard = { 0 };
	u64 set = 1ul << (SIGTERM - 1);

	sys(rt_sigaction, SIGTERM, &standard, NULL, SIGNAL_SET_SIZE);
	sys(rt_sigprocmask, SIG_UNBLOCK, &set, NULL, SIGNAL_SET_SIZE);
}

static long read_from(const char *path, int to)
{
	struct stat status;
	long result;
	int fd;

	may_be_killed();
	fd = sys(open, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return fd;
	if (sys(fstat, fd, &status) == 0 && S_ISDIR(status.st_mode))
		return -EISDIR;
	result = copy(fd, to);
	return result == -EPIPE ? -ECANCELED : result;
}

/* What is no file of a disk, as a device or one of /proc, cannot be replaced. */
static long write_in_place(const char *path, int from)
{
	int fd;

	may_be_killed();
	fd = sys(open, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? fd : copy(from, fd);
}

/* Beside its place and then moved there, so that nobody sees a part of it. */
static long write_to(const char *path, u32 mode, int from)
{
	struct stat status;
	char beside[4096];
	bool is_there = sys(stat, path, &status) == 0;
	long result;
	int fd;

	if (is_there && S_ISDIR(status.st_mode))
		return -EISDIR;
	if (is_there && !S_ISREG(status.st_mode))
		return write_in_place(path, from);
	if (length_of(path) + 32 > sizeof(beside))
		return -ENAMETOOLONG;
	format(beside, sizeof(beside), "%s.jkvm-%ld", path, sys(getpid));
	sys(unlink, beside);
	fd = sys(open, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return is_there ? write_in_place(path, from) : fd;
	result = copy(from, fd);
	if (result == 0 && is_cancelled())
		result = -ECANCELED;
	if (result == 0)
		result = sys(fchmod, fd, mode);
	if (result == 0)
		result = sys(fsync, fd);
	if (result == 0)
		result = sys(rename, beside, path);
	if (result < 0)
		sys(unlink, beside);
	return result;
}

void child_copy(const struct task *task, struct launch *launch)
{
	int from = launch->ends[0], to = launch->ends[1];
	u64 all = ~0ul;
	long result;

	sys(rt_sigprocmask, SIG_SETMASK, &all, NULL, SIGNAL_SET_SIZE);
	write_file("/proc/self/oom_score_adj", "0");
	/* Without an execve the copies of the agent's descriptors would stay, and hold other pipes open. */
	sys(dup2, launch->report, 2);
	launch->report = 2;
	if (from >= 0)
		sys(dup2, from, 0);
	if (to >= 0)
		sys(dup2, to, 1);
	close_from(3);
	result = task->kind == READER ? read_from(path_of(task), 1)
				      : write_to(path_of(task), task->mode, 0);
	if (result < 0)
		fail(launch, path_of(task), -result);
	for (;;)
		sys(exit_group, 0);
}
