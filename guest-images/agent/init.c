// SPDX-License-Identifier: Apache-2.0
#include "init.h"

#include <linux/prctl.h>

#include "util.h"

#define MODULES "/.jkvm/modules"
#define LINKS "/.jkvm/links"
#define LO_IS_UP 1 /* IFF_UP */

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

struct mount {
	const char *type, *where, *options;
	u32 flags;
	bool is_missed; /* a line in the log if it fails */
	bool only_if_empty; /* what came with the root must not vanish below it */
};

#define STRICT (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct mount mounts[] = {
	{ "proc", "/proc", "", STRICT, true, false },
	{ "sysfs", "/sys", "", STRICT, true, false },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID, true, false },
	{ "devpts", "/dev/pts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, false, false },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, false, true },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV, false, true },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, false, true },
	{ "cgroup2", "/sys/fs/cgroup", "", STRICT, false, false },
	{ "debugfs", "/sys/kernel/debug", "", STRICT, false, false },
	{ "tracefs", "/sys/kernel/tracing", "", STRICT, false, false },
};

static bool is_empty(const char *path)
{
	struct names names;
	bool found = names_open(&names, path);

	names.with_hidden = true;
	found = found && names_next(&names);
	names_close(&names);
	return !found;
}

/* Tells whether the kernel has filled /dev. */
static bool mount_all(void)
{
	bool has_devtmpfs = false;

	for (size_t i = 0; i < array_size(mounts); i++) {
		const struct mount *m = &mounts[i];
		long result;

		sys(mkdir, m->where, 0755);
		if (m->only_if_empty && !is_empty(m->where))
			continue;
		result = sys(mount, m->type, m->where, m->type, m->flags, m->options);
		has_devtmpfs |= equal(m->type, "devtmpfs") && (result == 0 || result == -EBUSY);
		/* EBUSY: the kernel has mounted it already, as it can do with /dev. */
		if (result < 0 && result != -EBUSY && m->is_missed)
			say("%s: cannot mount it: %s", m->where, error_text(-result));
	}
	/* Containers and the like expect a root whose mounts spread, as a distribution's init sets it. */
	sys(mount, NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
	return has_devtmpfs;
}

/* Nodes that a kernel without devtmpfs does not make, and links that nobody else makes. */
static void complete_dev(bool has_devtmpfs)
{
	static const struct { const char *path; u32 mode, major, minor; } nodes[] = {
		{ "/dev/null", 0666, 1, 3 },
		{ "/dev/zero", 0666, 1, 5 },
		{ "/dev/full", 0666, 1, 7 },
		{ "/dev/random", 0666, 1, 8 },
		{ "/dev/urandom", 0666, 1, 9 },
		{ "/dev/kmsg", 0644, 1, 11 },
		{ "/dev/tty", 0666, 5, 0 },
		{ "/dev/console", 0600, 5, 1 },
		{ "/dev/ptmx", 0666, 5, 2 },
	};
	static const char *const links[][2] = {
		{ "/proc/self/fd", "/dev/fd" },
		{ "/proc/self/fd/0", "/dev/stdin" },
		{ "/proc/self/fd/1", "/dev/stdout" },
		{ "/proc/self/fd/2", "/dev/stderr" },
	};

	for (size_t i = 0; !has_devtmpfs && i < array_size(nodes); i++)
		if (sys(mknod, nodes[i].path, S_IFCHR | nodes[i].mode,
			nodes[i].major << 8 | nodes[i].minor) == 0)
			sys(chmod, nodes[i].path, nodes[i].mode); /* whatever the umask */
	for (size_t i = 0; i < array_size(links); i++)
		sys(symlink, links[i][0], links[i][1]);
}

/*
 * Hard links by a list: first the file that they are of, then lines "/directory/" and, below each, the
 * names in it. What is there already stays.
 */
static void make_links(void)
{
	struct lines lines;
	bool is_there = false;
	const char *line;
	int file;

	lines_open(&lines, LINKS);
	line = lines_next(&lines);
	if (!line)
		return;
	file = sys(open, line, O_PATH | O_CLOEXEC);
	while ((line = lines_next(&lines))) {
		if (line[0] == '/')
			is_there = sys(chdir, line) == 0;
		else if (is_there)
			sys(linkat, file, "", AT_FDCWD, line, AT_EMPTY_PATH);
	}
	sys(chdir, "/");
	close_fd(&file);
}

static void open_console(void)
{
	int fd = sys(open, "/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		fd = sys(open, "/dev/null", O_RDWR);
	for (int i = 0; fd >= 0 && i < 3; i++)
		sys(dup2, fd, i);
	if (fd > 2)
		close_fd(&fd);
}

static void load_module(const char *name)
{
	char path[sizeof(MODULES) + 256];
	long result;
	int fd;

	format(path, sizeof(path), MODULES "/%s", name);
	fd = sys(open, path, O_RDONLY | O_CLOEXEC);
	result = fd < 0 ? fd : sys(finit_module, fd, "", 0);
	close_fd(&fd);
	if (result >= 0 || result == -EEXIST)
		return;
	say("module %s: %s (errno %ld)", name,
	    result == -ENOEXEC ? "made for another kernel" : error_text(-result), -result);
}

static int compare(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *(const u8 *)a - *(const u8 *)b;
}

static void load_modules(void)
{
	static char sorted[256][64];
	struct names names;
	const char *name;
	u32 n = 0;

	if (!names_open(&names, MODULES))
		return;
	while ((name = names_next(&names))) {
		const char *end = last_of(name, '.');
		u32 at = n;

		if (!end || !equal(end, ".ko"))
			continue;
		if (n == array_size(sorted) || length_of(name) >= sizeof(sorted[0])) {
			say("module %s: too many modules, or too long a name", name);
			continue;
		}
		for (n++; at && compare(sorted[at - 1], name) > 0; at--)
			memcpy(sorted[at], sorted[at - 1], sizeof(sorted[0]));
		format(sorted[at], sizeof(sorted[0]), "%s", name);
	}
	names_close(&names);
	for (u32 i = 0; i < n; i++)
		load_module(sorted[i]);
}

static void take_lo_up(void)
{
	struct { char name[16]; short flags; char rest[22]; } request = { .name = "lo" };
	int fd = sys(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && sys(ioctl, fd, 0x8913 /* SIOCGIFFLAGS */, &request) == 0) {
		request.flags |= LO_IS_UP;
		sys(ioctl, fd, 0x8914 /* SIOCSIFFLAGS */, &request);
	}
	close_fd(&fd);
}

static void name_machine(void)
{
	char name[128];

	/* A kernel that nobody has told a name says "(none)". */
	if (read_file("/proc/sys/kernel/hostname", name, sizeof(name)) > 0 &&
	    starts_with(name, "(none)"))
		sys(sethostname, "jkvm", 4);
}

void init_machine(void)
{
	sys(umask, 022);
	make_links();
	complete_dev(mount_all());
	open_console();
	load_modules();
	take_lo_up();
	name_machine();
}

void survive(void)
{
	/*
	 * Pages are locked as they are touched, so that the unused parts of tables cost nothing. For
	 * another user than root the limit would turn into maps that fail.
	 */
	if (sys(geteuid) == 0 && sys(mlockall, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -EINVAL)
		sys(mlockall, MCL_CURRENT | MCL_FUTURE);
	write_file("/proc/self/oom_score_adj", "-1000");
	sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void boot_identity(u8 identity[16])
{
	char text[64];
	u32 digits = 0;

	if (read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)) > 0) {
		for (const char *p = text; *p && digits < 32; p++) {
			u8 digit = *p >= 'a' ? *p - 'a' + 10 : *p - '0';

			if (*p < '0' || digit > 15)
				continue;
			identity[digits / 2] = identity[digits / 2] << 4 | digit;
			digits++;
		}
	}
	if (digits < 32)
		sys(getrandom, identity, 16, 1 /* GRND_NONBLOCK */);
}
