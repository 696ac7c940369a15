/* SPDX-License-Identifier: Apache-2.0 */
/* The host's frames about the agent and the machine. */
#ifndef AGENT_HOST_H
#define AGENT_HOST_H

#include "channel.h"

enum power { POWER_OFF = 0, POWER_RESET = 1 };

void host_frame(const struct frame *frame);
/* A process has ended; it may be the one that syncs. */
void host_reaped(long pid, int status);
/* Sends the answers for which there was no room. */
void host_answer(void);
/* Syncs for a few seconds at most and stops or resets the machine. */
void power(u32 how) __attribute__((noreturn));

/*
 * root.c: makes a device the root, or mounts one in it. Strings: device, types, options, directory.
 * What failed stands in text. Return 0 or an errno.
 */
long root_change(u32 flags, char *const strings[4], char *text, size_t size);
long mount_below(u32 flags, char *const strings[4], char *text, size_t size);

#endif
