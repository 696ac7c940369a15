// SPDX-License-Identifier: Apache-2.0
#include "group.h"

#include <linux/magic.h>
#include <asm/statfs.h>

#include "util.h"

#define MOUNT "/sys/fs/cgroup"
#define PARENT MOUNT "/jkvm"
#define DEPTH 8 /* of groups that a command makes in its own */

static bool has_cgroup2(void)
{
	struct statfs status;

	return sys(statfs, MOUNT, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

/* A controller that is not there is no reason to go without the other. */
static void allow_controllers(const char *file)
{
	write_file(file, "+memory");
	write_file(file, "+pids");
}

/* The number behind a word at a line's start, in one of the kernel's files of such lines. */
static u64 number_in(const char *path, const char *word)
{
	struct lines lines;
	u64 value = 0;
	char *line;

	lines_open(&lines, path);
	while ((line = lines_next(&lines)))
		if (starts_with(line, word) && line[length_of(word)] == ' ')
			parse_number(line + length_of(word) + 1, ~0ul, &value);
	return value;
}

void group_create(struct task *task)
{
	long made = -ENOENT;

	task->cgroup[0] = 0;
	task->machine_oom_kills = number_in("/proc/vmstat", "oom_kill");
	if (!has_cgroup2())
		return;
	if (sys(mkdir, PARENT, 0755) == 0)
		allow_controllers(MOUNT "/cgroup.subtree_control");
	allow_controllers(PARENT "/cgroup.subtree_control");
	/* A former task of the same number may have left what could not be killed. */
	for (long i = 0; i < 8 && made < 0; i++) {
		format(task->cgroup, sizeof(task->cgroup), i ? "%s/%ld.%ld" : "%s/%ld", PARENT,
		       (long)task->number, i);
		made = sys(mkdir, task->cgroup, 0755);
		if (made < 0 && made != -EEXIST)
			break;
	}
	if (made < 0)
		task->cgroup[0] = 0;
}

void group_enter(const struct task *task)
{
	char path[128];

	if (!task->cgroup[0])
		return;
	format(path, sizeof(path), "%s/cgroup.procs", task->cgroup);
	write_file(path, "0");
}

static bool is_alone(int session)
{
	for (struct task *task = tasks; task < tasks + TASKS; task++)
		if (task->state >= RUNNING && task->kind == COMMAND && task->pid != session)
			return false;
	return true;
}

/*
 * Sends a signal to all processes of a session, or counts them with signal 0. Without another command
 * also to those that have left it and lost their parents, whom the agent inherits.
 */
static u32 signal_session(int session, int number)
{
	u64 own_session = sys(getsid, 0), own = sys(getpid);
	bool orphans_too = is_alone(session);
	struct names processes;
	const char *name;
	u32 found = 0;

	if (session <= 0 || !names_open(&processes, "/proc"))
		return 0;
	while ((name = names_next(&processes))) {
		char path[64], line[512], *rest;
		u64 pid, fields[3] = { 0 };

		if (!parse_number(name, 1u << 30, &pid))
			continue;
		format(path, sizeof(path), "/proc/%lu/stat", (unsigned long)pid);
		if (read_file(path, line, sizeof(line)) <= 0)
			continue;
		/* "PID (NAME) STATE PARENT GROUP SESSION ...", and the name may have all of that. */
		rest = (char *)last_of(line, ')');
		if (!rest || rest[1] != ' ' || rest[2] == 'Z' || rest[2] == 'X')
			continue;
		rest += 4;
		for (int i = 0; i < 3; i++, rest += *rest == ' ')
			while (*rest >= '0' && *rest <= '9')
				fields[i] = fields[i] * 10 + (*rest++ - '0');
		if (fields[2] != (u64)session &&
		    !(orphans_too && fields[0] == own && fields[2] != own_session))
			continue;
		found++;
		if (number)
			sys(kill, pid, number);
	}
	names_close(&processes);
	return found;
}

/* Each process of a group and of those in it. */
static void signal_cgroup(char *path, size_t length, int depth, int number)
{
	struct lines lines;
	struct names groups;
	const char *name;
	char *line;
	u64 pid;

	format(path + length, 512 - length, "/cgroup.procs");
	lines_open(&lines, path);
	while ((line = lines_next(&lines)))
		if (parse_number(line, 1u << 30, &pid) && pid)
			sys(kill, pid, number);
	path[length] = 0;
	if (!depth || !names_open(&groups, path))
		return;
	while ((name = names_next(&groups))) {
		size_t n = length + format(path + length, 512 - length, "/%s", name);

		if (is_directory(path))
			signal_cgroup(path, n, depth - 1, number);
	}
	path[length] = 0;
	names_close(&groups);
}

bool group_is_empty(const struct task *task)
{
	char path[128];

	if (!task->cgroup[0])
		return !signal_session(task->pid, 0);
	format(path, sizeof(path), "%s/cgroup.events", task->cgroup);
	return !number_in(path, "populated");
}

void group_signal(const struct task *task, int number)
{
	char path[512];
	size_t n;

	if (!task->cgroup[0]) {
		signal_session(task->pid, number);
		return;
	}
	n = format(path, sizeof(path), "%s", task->cgroup);
	if (number == SIGKILL) {
		format(path + n, sizeof(path) - n, "/cgroup.kill");
		if (write_file(path, "1") == 0)
			return;
	}
	signal_cgroup(path, n, DEPTH, number);
}

/*
 * The group's own count; where the kernel keeps none, the machine's is good enough for a command
 * that ended as one does that the OOM killer took.
 */
bool group_out_of_memory(const struct task *task)
{
	int status = task->wait_status & 0xffff;
	char path[128];

	if (task->kind != COMMAND || task->has_failed)
		return false;
	format(path, sizeof(path), "%s/memory.events", task->cgroup);
	if (task->cgroup[0] && exists(path))
		return number_in(path, "oom_kill") > 0;
	return (status == SIGKILL || status == (128 + SIGKILL) << 8) &&
	       number_in("/proc/vmstat", "oom_kill") > task->machine_oom_kills;
}

/* The innermost first. */
static void remove_cgroup(char *path, size_t length, int depth)
{
	struct names groups;
	const char *name;

	if (sys(rmdir, path) == 0 || !depth || !names_open(&groups, path))
		return;
	while ((name = names_next(&groups))) {
		size_t n = length + format(path + length, 512 - length, "/%s", name);

		if (is_directory(path))
			remove_cgroup(path, n, depth - 1);
	}
	path[length] = 0;
	names_close(&groups);
	sys(rmdir, path);
}

void group_remove(struct task *task)
{
	char path[512];
	size_t n = format(path, sizeof(path), "%s", task->cgroup);

	if (n)
		remove_cgroup(path, n, DEPTH);
	task->cgroup[0] = 0;
}

void groups_remove(void)
{
	sys(rmdir, PARENT);
}
