/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a command has started: its control group where there is cgroup2, else its session, which
 * a process can leave by setsid.
 */
#ifndef AGENT_GROUP_H
#define AGENT_GROUP_H

#include "task.h"

void group_create(struct task *task);
/* In the process that will be the command, for where it was not begun in its group. */
void group_enter(const struct task *task);
bool group_is_empty(const struct task *task);
void group_signal(const struct task *task, int number);
bool group_out_of_memory(const struct task *task);
void group_remove(struct task *task);
/* The folder of all groups, when none is left. */
void groups_remove(void);

#endif
