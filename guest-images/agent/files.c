// SPDX-License-Identifier: Apache-2.0
/* Small files and directories, most of them of /proc and /sys. */
#include "util.h"

struct directory_entry {
	u64 inode;
	s64 offset;
	u16 size;
	u8 type;
	char name[];
};

long read_file(const char *path, char *buffer, size_t size)
{
	int fd = sys(open, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t n = 0;
	long got;

	buffer[0] = 0;
	if (fd < 0)
		return fd;
	do {
		got = sys(read, fd, buffer + n, size - 1 - n);
		if (got > 0)
			n += got;
	} while ((got > 0 && n < size - 1) || got == -EINTR);
	sys(close, fd);
	buffer[n] = 0;
	return got < 0 ? got : (long)n;
}

long write_file(const char *path, const char *text)
{
	int fd = sys(open, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	long result;

	if (fd < 0)
		return fd;
	result = sys(write, fd, text, length_of(text));
	sys(close, fd);
	return result < 0 ? result : 0;
}

void close_from(int fd)
{
	if (sys(close_range, fd, ~0u, 0) == 0)
		return;
	for (; fd < 1024; fd++) /* a kernel before 5.9; the agent has no more than that */
		sys(close, fd);
}

bool exists(const char *path)
{
	return sys(access, path, 0) == 0;
}

bool is_directory(const char *path)
{
	struct stat status;

	return sys(stat, path, &status) == 0 && S_ISDIR(status.st_mode);
}

void make_directories(const char *path)
{
	char part[4096];
	size_t n = format(part, sizeof(part), "%s", path);

	for (size_t i = 1; i <= n; i++)
		if (part[i] == '/' || !part[i]) {
			char c = part[i];

			part[i] = 0;
			sys(mkdir, part, 0755);
			part[i] = c;
		}
}

void lines_open(struct lines *lines, const char *path)
{
	lines->fd = sys(open, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	lines->at = lines->end = 0;
	lines->too_long = false;
}

/* The next line without its end, to be changed at will; NULL after the last, with the file closed. */
char *lines_next(struct lines *lines)
{
	for (;;) {
		char *line = lines->buffer + lines->at;
		long got;

		for (u32 i = lines->at; i < lines->end; i++) {
			bool skip = lines->too_long;

			if (lines->buffer[i] != '\n')
				continue;
			lines->buffer[i] = 0;
			lines->at = i + 1;
			lines->too_long = false;
			if (!skip)
				return line;
			line = lines->buffer + lines->at;
		}
		memmove(lines->buffer, line, lines->end - lines->at);
		lines->end -= lines->at;
		lines->at = 0;
		if (lines->end == sizeof(lines->buffer) - 1) {
			lines->too_long = true;
			lines->end = 0;
		}
		got = lines->fd < 0 ? 0 : sys(read, lines->fd, lines->buffer + lines->end,
					       sizeof(lines->buffer) - 1 - lines->end);
		if (got > 0) {
			lines->end += got;
			continue;
		}
		close_fd(&lines->fd);
		if (!lines->end || lines->too_long)
			return NULL;
		lines->buffer[lines->end] = 0; /* a last line without a line's end */
		lines->end = 0;
		return lines->buffer;
	}
}

static bool is_wanted(const struct names *names, const char *name)
{
	return name[0] != '.' || (names->with_hidden && !equal(name, ".") && !equal(name, ".."));
}

bool names_open(struct names *names, const char *path)
{
	names->with_hidden = false;
	names->fd = sys(open, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	names->at = names->end = 0;
	return names->fd >= 0;
}

const char *names_next(struct names *names)
{
	for (;;) {
		struct directory_entry *entry = (void *)(names->buffer + names->at);
		long got;

		if (names->at < names->end) {
			names->at += entry->size;
			if (is_wanted(names, entry->name))
				return entry->name;
			continue;
		}
		got = sys(getdents64, names->fd, names->buffer, sizeof(names->buffer));
		if (got <= 0)
			return NULL;
		names->at = 0;
		names->end = got;
	}
}

void names_close(struct names *names)
{
	close_fd(&names->fd);
}
