/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls without a C library: the kernel's own numbers and structures, from its headers for
 * programs. A call returns what the kernel returns, a negative errno for a failure.
 */
#ifndef AGENT_SYS_H
#define AGENT_SYS_H

#include <stdbool.h>
#include <stddef.h>

#include <asm/ioctls.h>
#include <linux/mman.h>
#include <asm/poll.h>
#include <asm/stat.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/reboot.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <linux/wait.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* sys(read, fd, buffer, size): arguments that are not given are 0. */
#define sys(name, ...) \
	sys_padded(__NR_##name __VA_OPT__(,) __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define sys_padded(number, a, b, c, d, e, f, ...) \
	system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* What is no part of the kernel's headers for programs, or not of all that a builder may have. */
#define AF_UNIX 1
#define AF_INET 2
#define AF_VSOCK 40
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_NONBLOCK O_NONBLOCK
#define SOCK_CLOEXEC O_CLOEXEC
#define SOL_SOCKET 1
#define SO_ERROR 4
#define SIGNAL_SET_SIZE 8
#define SIGNALS 64

#define array_size(array) (sizeof(array) / sizeof((array)[0]))

static inline bool is_error(long result)
{
	return result < 0 && result >= -4095;
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		sys(close, *fd);
	*fd = -1;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	sys(nanosleep, &t, NULL);
}

static inline s64 now_ms(void)
{
	struct timespec t;

	sys(clock_gettime, CLOCK_MONOTONIC, &t);
	return (s64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
