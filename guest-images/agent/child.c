// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include "agent.h"
#include "group.h"
#include "util.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void report(const struct launch *launch, const struct failure *failure)
	__attribute__((noreturn));
static void report(const struct launch *launch, const struct failure *failure)
{
	sys(write, launch->report, failure, sizeof(*failure));
	for (;;)
		sys(exit_group, 1);
}

static void give_up(const struct launch *launch, long error, const char *what, const char *name)
	__attribute__((noreturn));
static void give_up(const struct launch *launch, long error, const char *what, const char *name)
{
	struct failure failure = { .how = HOW_FAILED, .error = error };

	format(failure.text, sizeof(failure.text), "%s%s: %s", what, name, error_text(error));
	report(launch, &failure);
}

static void refuse_user(const struct launch *launch, const char *wrong) __attribute__((noreturn));
static void refuse_user(const struct launch *launch, const char *wrong)
{
	struct failure failure = { .how = HOW_FAILED, .error = ENOENT };

	format(failure.text, sizeof(failure.text), "%s%s", wrong, launch->user);
	report(launch, &failure);
}

/*
 * As a fresh process has them. The kernel's structure, which has a restorer. The first process
 * inherits no handlers, so there only what the agent itself ignores is to be set back.
 */
static void reset_signals(void)
{
	struct { void *handler; u64 flags; void *restorer; u64 mask; } standard = { 0 };
	u64 none = 0;

	for (int i = 1; i <= SIGNALS; i++)
		if (!is_init || i == SIGPIPE)
			sys(rt_sigaction, i, &standard, NULL, SIGNAL_SET_SIZE);
	sys(rt_sigprocmask, SIG_SETMASK, &none, NULL, SIGNAL_SET_SIZE);
}

static void take_streams(const struct task *task, const struct launch *launch)
{
	bool is_terminal = task->flags & EXEC_TERMINAL;

	for (int i = 0; i < 3; i++) {
		int end = launch->ends[is_terminal ? 0 : i];

		if (end >= 0)
			sys(dup2, end, i);
	}
	if (!is_terminal && (task->flags & EXEC_ONE_OUTPUT))
		sys(dup2, 1, 2);
	sys(setsid);
	if (is_terminal)
		sys(ioctl, 0, TIOCSCTTY, 0);
}

/* So that the command can open /dev/stdout. What is no pipe or terminal is not its own: /dev/null. */
static void give_streams(const struct task *task, const struct user *user)
{
	struct stat status;

	for (int i = 0; i < 3; i++)
		if (sys(fstat, i, &status) == 0 &&
		    (S_ISFIFO(status.st_mode) || (task->flags & EXEC_TERMINAL)))
			sys(fchown, i, user->uid, -1);
}

static const char *variable(char **variables, const char *name)
{
	size_t n = length_of(name);

	for (; *variables; variables++)
		if (starts_with(*variables, name) && (*variables)[n] == '=')
			return *variables + n + 1;
	return NULL;
}

/* No more than CHILD_VARIABLES. */
#define ADDED_VARIABLES 5

static void runtime_folder_of(const struct user *user, char *path, size_t size)
{
	format(path, size, "/run/user/%lu", (unsigned long)user->uid);
}

/* Adds what the host has not said; the places for it are there. */
static void complete_variables(char **variables, const struct user *user)
{
	static char texts[ADDED_VARIABLES][600];
	static char runtime_folder[64];
	const char *const values[ADDED_VARIABLES][2] = {
		{ "HOME", user->home },
		{ "USER", user->name },
		{ "LOGNAME", user->name },
		{ "SHELL", user->shell },
		{ "XDG_RUNTIME_DIR", runtime_folder },
	};
	char **end = variables;

	runtime_folder_of(user, runtime_folder, sizeof(runtime_folder));
	while (*end)
		end++;
	/* The last one is for users who log in; root has no session of that kind here. */
	for (int i = 0; i < (user->uid ? ADDED_VARIABLES : ADDED_VARIABLES - 1); i++) {
		if (variable(variables, values[i][0]))
			continue;
		format(texts[i], sizeof(texts[i]), "%s=%s", values[i][0], values[i][1]);
		*end++ = texts[i];
	}
}

/* A user's folder for sockets and the like, if the environment names the one that he usually has. */
static void make_runtime_folder(char **variables, const struct user *user)
{
	const char *wanted = variable(variables, "XDG_RUNTIME_DIR");
	char path[64];

	runtime_folder_of(user, path, sizeof(path));
	if (!user->uid || !wanted || !equal(wanted, path))
		return;
	make_directories("/run/user");
	if (sys(mkdir, path, 0700) == 0)
		sys(chown, path, user->uid, user->gid);
}

static void become(const struct launch *launch, const struct user *user)
{
	long result;

	if (user->uid && sys(geteuid) == user->uid)
		return; /* an agent without rights, as in tests */
	result = sys(setgroups, user->group_count, user->groups);
	if (result == 0)
		result = sys(setresgid, user->gid, user->gid, user->gid);
	if (result == 0)
		result = sys(setresuid, user->uid, user->uid, user->uid);
	/* ENOSYS: a kernel without CONFIG_MULTIUSER, where all are root. */
	if (result < 0 && (result != -ENOSYS || user->uid))
		give_up(launch, -result, "user ", user->name);
}

/* Tries a name in each folder of PATH. A folder or a forbidden file of that name is passed over. */
static void search(struct launch *launch, struct failure *failure)
{
	const char *name = launch->arguments[0];
	const char *path = variable(launch->variables, "PATH");
	char forbidden[4096] = "", full[4096];

	if (!path)
		path = DEFAULT_PATH + 5;
	for (bool more = *name; more;) {
		size_t n = 0;
		long error;

		while (*path && *path != ':' && n < sizeof(full) - 1)
			full[n++] = *path++;
		while (*path && *path != ':')
			path++;
		more = *path;
		path += more;
		full[n] = 0;
		if (n + 1 + length_of(name) >= sizeof(full))
			continue;
		format(full + n, sizeof(full) - n, n ? "/%s" : "%s", name);
		/* An attempt to execute copies all arguments and variables before it looks for the file. */
		error = -sys(access, full, 0 /* F_OK */);
		if (error == ENOENT || error == ENOTDIR)
			continue;
		error = -sys(execve, full, launch->arguments, launch->variables);
		if (is_directory(full))
			continue;
		if (error == EACCES && exists(full))
			format(forbidden, sizeof(forbidden), "%s", full);
		else if (error != EACCES && (error != ENOENT || exists(full)) && error != ENOTDIR)
			return explain(failure, exists(full) ? full : name, error);
	}
	if (forbidden[0])
		return explain(failure, forbidden, EACCES);
	failure->how = HOW_NO_COMMAND;
	failure->error = ENOENT;
	format(failure->text, sizeof(failure->text), "%s: command not found", name);
}

void child_command(const struct task *task, struct launch *launch)
{
	const char *directory = launch->directory[0] ? launch->directory : "/";
	const char *name = launch->arguments[0];
	struct failure failure = { 0 };
	static struct user user;
	const char *wrong;
	long result;

	group_enter(task);
	write_file("/proc/self/oom_score_adj", "0");
	take_streams(task, launch);
	wrong = user_find(launch->user, &user);
	if (wrong)
		refuse_user(launch, wrong);
	complete_variables(launch->variables, &user);
	make_runtime_folder(launch->variables, &user);
	give_streams(task, &user);
	become(launch, &user);
	sys(umask, 022);
	result = sys(chdir, directory);
	if (result < 0)
		give_up(launch, -result, "directory ", directory);
	reset_signals();
	if (last_of(name, '/')) {
		result = sys(execve, name, launch->arguments, launch->variables);
		explain(&failure, name, -result);
	} else {
		search(launch, &failure);
	}
	report(launch, &failure);
}
