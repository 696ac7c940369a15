/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be measured, step by step. */
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include "card.h"

/* What the steps are about; the card may have no queues, as there is none. */
void steps_devices(struct disk *disk, struct card *card);

/* Runs steps that semicolons separate, then ends the machine. */
void run_steps(const char *steps) __attribute__((noreturn));

/* Says "ready" and runs the step that comes as a line, again and again; "end" ends the machine. */
void run_steps_from_console(void) __attribute__((noreturn));

#endif
