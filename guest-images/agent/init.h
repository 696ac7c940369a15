/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent does before it looks for the host. */
#ifndef AGENT_INIT_H
#define AGENT_INIT_H

#include "sys.h"

/* As process 1: file systems, modules, the network interface lo, the host name. */
void init_machine(void);
/* Protects the agent from the OOM killer and from being swapped out; reaps what others leave. */
void survive(void);
/* 16 bytes that are others after each boot. */
void boot_identity(u8 identity[16]);

#endif
