/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent is, and its end. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "sys.h"

/* True as process 1: then the end of the agent is the end of the machine. */
extern bool is_init;
/* True in tests outside of a guest: no clock is set, no machine stopped, no file system mounted. */
extern bool is_harmless;

/* Kills what runs, writes a line to the kernel's log and exits with 1, or powers off. */
void end_agent(const char *pattern, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* The same without a line and with 0: the host closed the channel. */
void end_quietly(void) __attribute__((noreturn));

#endif
