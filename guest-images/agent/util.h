/* SPDX-License-Identifier: Apache-2.0 */
/* Memory, strings, small files and the kernel's log. */
#ifndef AGENT_UTIL_H
#define AGENT_UTIL_H

#include <stdarg.h>

#include "sys.h"

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t length_of(const char *s);
bool equal(const char *a, const char *b);
bool starts_with(const char *s, const char *start);
const char *last_of(const char *s, char c);

/* A decimal number that is all of the string; false if it is none or over the limit. */
bool parse_number(const char *s, u64 limit, u64 *value);

/*
 * As snprintf, for %s, %ld and %lu alone. Returns the length of what stands in the buffer, cut if it
 * did not fit.
 */
size_t format(char *buffer, size_t size, const char *pattern, ...)
	__attribute__((format(printf, 3, 4)));
size_t format_list(char *buffer, size_t size, const char *pattern, va_list list);

/* What an errno means, in the usual words. */
const char *error_text(long error);

/* A line in the kernel's log; on standard error where that cannot be opened. */
void say(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/* At most size - 1 bytes of a file, with a NUL after them; or a negative errno. */
long read_file(const char *path, char *buffer, size_t size);
long write_file(const char *path, const char *text);
void close_from(int fd); /* and all after it */
bool exists(const char *path);
bool is_directory(const char *path);
void make_directories(const char *path);

/* Lines of a text file; those that do not fit into the buffer are left out. */
struct lines {
	int fd;
	u32 at, end;
	bool too_long;
	char buffer[4096];
};
void lines_open(struct lines *lines, const char *path);
char *lines_next(struct lines *lines);

/* Names in a directory, without those that begin with a dot unless that is asked for. */
struct names {
	int fd;
	bool with_hidden;
	u32 at, end;
	char buffer[2048] __attribute__((aligned(8)));
};
bool names_open(struct names *names, const char *path);
const char *names_next(struct names *names);
void names_close(struct names *names);

void *map(size_t size); /* zeroed memory, or NULL */
void unmap(void *memory, size_t size);

#endif
