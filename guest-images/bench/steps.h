/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be measured, step by step. */
#ifndef BENCH_STEPS_H
#define BENCH_STEPS_H

#include "virtio.h"

/* The disk that all steps are about. */
void steps_disk(struct disk *disk);

/* Runs steps that semicolons separate, then ends the machine. */
void run_steps(const char *steps) __attribute__((noreturn));

/* Says "ready" and runs the step that comes as a line, again and again; "end" ends the machine. */
void run_steps_from_console(void) __attribute__((noreturn));

#endif
