// SPDX-License-Identifier: Apache-2.0
/* Users and groups of the guest's /etc/passwd and /etc/group. */
#include "child.h"
#include "util.h"

#define ID_LIMIT 0xfffffffeul

/* Cuts a line at its colons; fields that are not there are empty. */
static u32 split(char *line, const char *fields[], u32 limit)
{
	static const char empty[] = "";
	u32 n = 0;

	for (u32 i = 0; i < limit; i++)
		fields[i] = empty;
	fields[n++] = line;
	for (; *line && n < limit; line++)
		if (*line == ':') {
			*line = 0;
			fields[n++] = line + 1;
		}
	/* The last may go on over more colons. */
	return n;
}

/* NAME:password:UID:GID:comment:HOME:SHELL */
static bool find_user(const char *name, bool is_number, u64 number, struct user *user)
{
	static struct lines lines;
	const char *fields[8];
	char *line;
	u64 uid, gid;

	lines_open(&lines, "/etc/passwd");
	while ((line = lines_next(&lines))) {
		if (split(line, fields, array_size(fields)) < 4 ||
		    !parse_number(fields[2], ID_LIMIT, &uid) ||
		    !parse_number(fields[3], ID_LIMIT, &gid))
			continue;
		if (!equal(fields[0], name) && !(is_number && uid == number))
			continue;
		user->uid = uid;
		user->gid = gid;
		format(user->name, sizeof(user->name), "%s", fields[0]);
		format(user->home, sizeof(user->home), "%s", fields[5][0] ? fields[5] : "/");
		format(user->shell, sizeof(user->shell), "%s", fields[6][0] ? fields[6] : "/bin/sh");
		close_fd(&lines.fd);
		return true;
	}
	return false;
}

static bool is_member(const char *members, const char *name)
{
	size_t n = length_of(name);

	while (*members) {
		if (starts_with(members, name) && (members[n] == ',' || !members[n]))
			return true;
		while (*members && *members != ',')
			members++;
		members += *members == ',';
	}
	return false;
}

static void add_group(struct user *user, u32 gid)
{
	for (u32 i = 0; i < user->group_count; i++)
		if (user->groups[i] == gid)
			return;
	if (user->group_count < array_size(user->groups))
		user->groups[user->group_count++] = gid;
}

/* NAME:password:GID:MEMBER,MEMBER. Looks for one group, and for those that the user is in. */
static bool find_groups(const char *wanted, struct user *user)
{
	static struct lines lines;
	bool found = !wanted || parse_number(wanted, ID_LIMIT, &(u64){ 0 });
	const char *fields[4];
	char *line;
	u64 gid;

	if (wanted && found) {
		parse_number(wanted, ID_LIMIT, &gid);
		user->gid = gid;
	}
	lines_open(&lines, "/etc/group");
	while ((line = lines_next(&lines))) {
		if (split(line, fields, array_size(fields)) < 3 ||
		    !parse_number(fields[2], ID_LIMIT, &gid))
			continue;
		if (wanted && !found && equal(fields[0], wanted)) {
			user->gid = gid;
			found = true;
		}
		if (is_member(fields[3], user->name))
			add_group(user, gid);
	}
	add_group(user, user->gid);
	return found;
}

const char *user_find(const char *text, struct user *user)
{
	char name[64];
	const char *group = NULL;
	size_t n = 0;
	u64 number = 0;
	bool is_number;

	while (text[n] && text[n] != ':' && n < sizeof(name) - 1)
		n++;
	memcpy(name, text, n);
	name[n] = 0;
	if (text[n] == ':')
		group = text + n + 1;
	else if (text[n])
		return "no such user: ";
	if (!name[0]) {
		/* The agent's own user, who is user 0 but in tests. */
		number = sys(geteuid);
		format(name, sizeof(name), "%lu", (unsigned long)number);
	}
	is_number = parse_number(name, ID_LIMIT, &number);
	if (!find_user(name, is_number, number, user)) {
		if (!is_number)
			return "no such user: ";
		user->uid = user->gid = number;
		format(user->name, sizeof(user->name), "%s", number ? name : "root");
		format(user->home, sizeof(user->home), "%s",
		       !number && is_directory("/root") ? "/root" : "/");
		format(user->shell, sizeof(user->shell), "/bin/sh");
	}
	if (!find_groups(group && group[0] ? group : NULL, user))
		return "no such group: ";
	return NULL;
}
