/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AGENT_TAINT_H
#define AGENT_TAINT_H

#include "sys.h"

/* Bits 0 to 23 of the kernel's taint, of which it has 20 today; 0 where they can't be read. */
u32 kernel_taint(void);

#endif
