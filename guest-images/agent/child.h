/* SPDX-License-Identifier: Apache-2.0 */
/* The process that becomes a command, or copies a file. */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include "task.h"

struct launch {
	const char *user, *directory;
	char **arguments;
	char **variables; /* with CHILD_VARIABLES free places behind them */
	int ends[3]; /* its standard streams, none below 3 */
	int report;
};
#define CHILD_VARIABLES 8

void child_command(const struct task *task, struct launch *launch) __attribute__((noreturn));
void child_copy(const struct task *task, struct launch *launch) __attribute__((noreturn));
/* What is wrong with a program that cannot be executed. */
void explain(struct failure *failure, const char *path, long error);

/* users.c */
struct user {
	u32 uid, gid;
	u32 groups[256];
	u32 group_count;
	char name[64], home[512], shell[512];
};
/* By "USER[:GROUP]"; what is wrong with it, or NULL. */
const char *user_find(const char *text, struct user *user);

#endif
