/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come in the initramfs for a root that is not packed into it. */
#ifndef AGENT_CARRY_H
#define AGENT_CARRY_H

#include "sys.h"

#define CARRIED "/.jkvm/carried"

/* Takes what is below a directory to the root, and away from there; what failed stands in text. */
long carry_into_root(int from, char *text, size_t size);

#endif
