/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers of the command line and of steps. Also what the compiler calls by itself. */
#include "guest.h"

bool starts_with(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return false;
	return true;
}

bool take_number(const char **text, u64 *number)
{
	const char *c = *text;
	bool hex = starts_with(c, "0x");
	u64 value = 0;
	bool any = false;

	if (hex)
		c += 2;
	for (;; c++, any = true) {
		char lower = *c | 0x20;

		if (*c >= '0' && *c <= '9')
			value = value * (hex ? 16 : 10) + (u64)(*c - '0');
		else if (hex && lower >= 'a' && lower <= 'f')
			value = value * 16 + (u64)(lower - 'a' + 10);
		else
			break;
	}
	*text = c;
	*number = value;
	return any;
}

bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

bool take_word(const char **text, char *word, size_t size)
{
	size_t length = 0;

	while (**text && **text != ',' && **text != ';') {
		if (length == size - 1)
			return false;
		word[length++] = *(*text)++;
	}
	word[length] = 0;
	take_char(text, ',');
	return length > 0;
}

void *memset(void *to, int value, size_t bytes)
{
	u8 *c = to;

	while (bytes--)
		*c++ = (u8)value;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	u8 *t = to;
	const u8 *f = from;

	while (bytes--)
		*t++ = *f++;
	return to;
}
