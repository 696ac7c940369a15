// SPDX-License-Identifier: Apache-2.0
#include "util.h"

#include "agent.h"

/* The compiler calls these four by itself. */
void *memcpy(void *to, const void *from, size_t size)
{
	void *start = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return start;
}

void *memmove(void *to, const void *from, size_t size)
{
	u8 *t = to;
	const u8 *f = from;

	if (t <= f || t >= f + size)
		return memcpy(to, from, size);
	while (size--)
		t[size] = f[size];
	return to;
}

void *memset(void *to, int value, size_t size)
{
	void *start = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t length_of(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

bool starts_with(const char *s, const char *start)
{
	while (*start && *s == *start)
		s++, start++;
	return !*start;
}

const char *last_of(const char *s, char c)
{
	const char *found = NULL;

	for (; *s; s++)
		if (*s == c)
			found = s;
	return found;
}

bool parse_number(const char *s, u64 limit, u64 *value)
{
	u64 n = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || n > limit / 10)
			return false;
		n = n * 10 + (*s - '0');
	}
	*value = n;
	return n <= limit;
}

static const char *digits_of(long value, bool is_signed, char digits[24])
{
	bool negative = is_signed && value < 0;
	u64 rest = negative ? -(u64)value : (u64)value;
	char *p = digits + 23;

	*p = 0;
	do {
		*--p = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	if (negative)
		*--p = '-';
	return p;
}

size_t format_list(char *buffer, size_t size, const char *pattern, va_list list)
{
	char digits[24];
	size_t n = 0;

	for (; *pattern; pattern++) {
		char one[2] = { *pattern, 0 };
		const char *piece = one;

		if (pattern[0] == '%' && pattern[1] == 's') {
			piece = va_arg(list, const char *);
			pattern++;
		} else if (pattern[0] == '%' && pattern[1] == 'l') {
			piece = digits_of(va_arg(list, long), pattern[2] == 'd', digits);
			pattern += 2;
		}
		while (*piece && n + 1 < size)
			buffer[n++] = *piece++;
	}
	buffer[n] = 0;
	return n;
}

size_t format(char *buffer, size_t size, const char *pattern, ...)
{
	va_list list;
	size_t n;

	va_start(list, pattern);
	n = format_list(buffer, size, pattern, list);
	va_end(list);
	return n;
}

void say(const char *pattern, ...)
{
	char line[512];
	size_t n = format(line, sizeof(line), "<3>jkvm-agent: ");
	int fd = is_harmless ? -1 : sys(open, "/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	va_list list;

	va_start(list, pattern);
	n += format_list(line + n, sizeof(line) - n - 1, pattern, list);
	va_end(list);
	line[n++] = '\n';
	if (fd >= 0)
		sys(write, fd, line, n);
	else
		sys(write, 2, line + 3, n - 3);
	close_fd(&fd);
}

const char *error_text(long error)
{
	static const struct { int error; const char *text; } texts[] = {
		{ EPERM, "Operation not permitted" },
		{ ENOENT, "No such file or directory" },
		{ EIO, "Input/output error" },
		{ ENXIO, "No such device or address" },
		{ E2BIG, "Argument list too long" },
		{ ENOEXEC, "Exec format error" },
		{ EAGAIN, "Resource temporarily unavailable" },
		{ ENOMEM, "Cannot allocate memory" },
		{ EACCES, "Permission denied" },
		{ EBUSY, "Device or resource busy" },
		{ EEXIST, "File exists" },
		{ ENODEV, "No such device" },
		{ ENOTDIR, "Not a directory" },
		{ EISDIR, "Is a directory" },
		{ EINVAL, "Invalid argument" },
		{ ENFILE, "Too many open files in system" },
		{ EMFILE, "Too many open files" },
		{ ETXTBSY, "Text file busy" },
		{ EFBIG, "File too large" },
		{ ENOSPC, "No space left on device" },
		{ EROFS, "Read-only file system" },
		{ ESTALE, "Stale file handle" },
		{ EDQUOT, "Disk quota exceeded" },
		{ EPIPE, "Broken pipe" },
		{ ENAMETOOLONG, "File name too long" },
		{ ENOSYS, "Function not implemented" },
		{ ELOOP, "Too many levels of symbolic links" },
		{ ELIBBAD, "Accessing a corrupted shared library" },
		{ ECANCELED, "Operation canceled" },
		{ ENOKEY, "Required key not available" },
		{ EKEYREJECTED, "Key was rejected by service" },
	};

	for (size_t i = 0; i < array_size(texts); i++)
		if (texts[i].error == error)
			return texts[i].text;
	return "Error";
}

void *map(size_t size)
{
	long at = sys(mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return is_error(at) ? NULL : (void *)at;
}

void unmap(void *memory, size_t size)
{
	if (memory)
		sys(munmap, memory, size);
}
