// SPDX-License-Identifier: Apache-2.0
/*
 * What the host has put into the initramfs for a root that it cannot pack, an image: it is taken to its
 * places when that has become the root. The first root can be reached by its descriptor alone then.
 */
#include "carry.h"

#include "util.h"

#define MAX_DEPTH 100 /* each has a descriptor open */

/*
 * In this order: what others need, with the links on the way to it; what the host's user has asked
 * for, which replaces a file of the root's; and links at the paths by which the two are looked for,
 * where the root's own links do not lead there.
 */
static const struct { const char *name; bool replaces; } layers[] = {
	{ "needed", false },
	{ "given", true },
	{ "paths", false },
	{ "given-paths", true },
};

struct carry {
	bool replaces;
	char path[4096]; /* of the file in the new root */
};

static long carry_folder(struct carry *carry, int from, size_t length, u32 depth);

static long copy_content(int from, const char *name, const char *path)
{
	static char buffer[65536];
	int in = sys(openat, from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	long result = in, got = 0;
	int out = -1;

	if (in >= 0)
		result = out = sys(open, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (result >= 0 && (got = sys(read, in, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < got && result >= 0; at += result)
			result = sys(write, out, buffer + at, got - at);
	close_fd(&in);
	close_fd(&out);
	return result < 0 ? result : got;
}

static long read_link(int from, const char *name, char *target, size_t size)
{
	long n = sys(readlinkat, from, name, target, size - 1);

	target[n < 0 ? 0 : n] = 0;
	return n;
}

static long copy_link(int from, const char *name, const char *path)
{
	char target[4096];
	long result = read_link(from, name, target, sizeof(target));

	return result < 0 ? result : sys(symlink, target, path);
}

/* True if a path is where a link would lead from there. */
static bool leads_there(int from, const char *name, const char *path)
{
	struct stat one, other;
	char target[4096];

	read_link(from, name, target, sizeof(target));
	return target[0] == '/' && sys(stat, path, &one) == 0 && sys(stat, target, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static void give_attributes(const struct stat *status, const char *path)
{
	struct timespec times[2] = { { status->st_atime, status->st_atime_nsec },
				     { status->st_mtime, status->st_mtime_nsec } };

	sys(lchown, path, status->st_uid, status->st_gid);
	if (!S_ISLNK(status->st_mode))
		sys(chmod, path, status->st_mode & 07777);
	sys(utimensat, AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

/* True if there is a folder now; one that the root has keeps its attributes. */
static long make_folder(struct carry *carry, bool *is_new)
{
	long result;

	*is_new = false;
	if (is_directory(carry->path))
		return 0;
	result = sys(mkdir, carry->path, 0755);
	if (result == -EEXIST && carry->replaces && sys(unlink, carry->path) == 0)
		result = sys(mkdir, carry->path, 0755);
	*is_new = result == 0;
	return result;
}

static long carry_file(struct carry *carry, int from, const char *name, const struct stat *status)
{
	struct stat there;
	long result;

	if (sys(newfstatat, AT_FDCWD, carry->path, &there, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!carry->replaces ||
		    (S_ISLNK(status->st_mode) && leads_there(from, name, carry->path)))
			return 0;
		if (S_ISDIR(there.st_mode))
			return -EISDIR;
		result = sys(unlink, carry->path);
		if (result < 0)
			return result;
	}
	if (S_ISREG(status->st_mode))
		result = copy_content(from, name, carry->path);
	else if (S_ISLNK(status->st_mode))
		result = copy_link(from, name, carry->path);
	else
		result = sys(mknod, carry->path, status->st_mode, status->st_rdev);
	if (result >= 0)
		give_attributes(status, carry->path);
	return result;
}

/* The path is the folder's, with this length, and again so when all went well. */
static long carry_entry(struct carry *carry, int from, const char *name, size_t length, u32 depth)
{
	size_t end = length + 1 + length_of(name);
	struct stat status;
	bool is_new;
	long result;

	if (end >= sizeof(carry->path))
		return -ENAMETOOLONG;
	format(carry->path + length, sizeof(carry->path) - length, "/%s", name);
	result = sys(newfstatat, from, name, &status, AT_SYMLINK_NOFOLLOW);
	if (result < 0)
		return result;
	if (S_ISDIR(status.st_mode)) {
		int folder = sys(openat, from, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		result = folder < 0 ? folder : make_folder(carry, &is_new);
		if (result == 0)
			result = carry_folder(carry, folder, end, depth + 1);
		else if (result == -EEXIST && !carry->replaces)
			result = 0; /* the root has a file there, and nobody has asked for a folder */
		close_fd(&folder);
		if (result == 0 && is_new)
			give_attributes(&status, carry->path);
	} else {
		result = carry_file(carry, from, name, &status);
		/* Its memory, which it need not have twice. */
		if (result >= 0)
			sys(unlinkat, from, name, 0);
	}
	if (result >= 0)
		carry->path[length] = 0;
	return result < 0 ? result : 0;
}

static long carry_folder(struct carry *carry, int from, size_t length, u32 depth)
{
	struct names names = { .fd = from, .with_hidden = true };
	const char *name;
	long result = 0;

	if (depth > MAX_DEPTH)
		return -ELOOP;
	while (result == 0 && (name = names_next(&names)))
		result = carry_entry(carry, from, name, length, depth);
	return result;
}

long carry_into_root(int from, char *text, size_t size)
{
	static struct carry carry;
	u32 mask = sys(umask, 0);
	long result = 0;

	for (size_t i = 0; i < array_size(layers) && result == 0; i++) {
		int layer = sys(openat, from, layers[i].name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (layer < 0)
			continue;
		carry.replaces = layers[i].replaces;
		carry.path[0] = 0;
		result = carry_folder(&carry, layer, 0, 0);
		close_fd(&layer);
	}
	if (result < 0)
		format(text, size, "cannot put %s into the root: %s", carry.path, error_text(-result));
	sys(umask, mask);
	return result;
}
