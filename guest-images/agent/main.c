// SPDX-License-Identifier: Apache-2.0
/*
 * jkvm-agent [--harmless] [--port PATH | --fd NUMBER | --below DIRECTORY]: runs commands in a guest
 * for the host, by docs/agent-protocol.md. Without an option it looks for its channel itself. One
 * thread and one poll; nothing here waits anywhere else while commands run.
 */
#include "agent.h"
#include "channel.h"
#include "host.h"
#include "init.h"
#include "protocol.h"
#include "task.h"
#include "util.h"

/*
 * After so long everything is tried again without an event: kernels before 6.1 lose wake-ups of
 * virtio-console ports.
 */
#define IDLE_MS 1000
#define IDLE_PORT_MS 200
#define SILENT_PORT_MS 5

bool is_init;
bool is_harmless;

void end_quietly(void)
{
	tasks_kill();
	if (is_init && !is_harmless)
		power(POWER_OFF);
	for (;;)
		sys(exit_group, 0);
}

void end_agent(const char *pattern, ...)
{
	char text[256];
	va_list list;

	va_start(list, pattern);
	format_list(text, sizeof(text), pattern, list);
	va_end(list);
	say("%s", text);
	tasks_kill();
	if (is_init && !is_harmless)
		power(POWER_OFF);
	for (;;)
		sys(exit_group, 1);
}

/* Processes that end wake the poll by a descriptor, not by a handler between two system calls. */
static int open_child_signals(void)
{
	struct { void *handler; u64 flags; void *restorer; u64 mask; } ignore = { .handler = SIG_IGN };
	u64 child = 1ul << (SIGCHLD - 1);
	int fd;

	sys(rt_sigaction, SIGPIPE, &ignore, NULL, SIGNAL_SET_SIZE);
	sys(rt_sigprocmask, SIG_BLOCK, &child, NULL, SIGNAL_SET_SIZE);
	fd = sys(signalfd4, -1, &child, SIGNAL_SET_SIZE, O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		say("signalfd: %s; ends of commands are seen late", error_text(-fd));
	return fd;
}

static void reap(int signals)
{
	u8 infos[1024];
	int status;

	while (sys(read, signals, infos, sizeof(infos)) > 0)
		;
	for (;;) {
		long pid = sys(wait4, -1, &status, WNOHANG, NULL);

		if (pid <= 0)
			return;
		task_reaped(pid, status, now_ms());
		host_reaped(pid, status);
	}
}

static void handle_frames(void)
{
	struct frame frame;

	while (channel_room() >= CHANNEL_RESERVE && channel_next(&frame))
		host_frame(&frame);
}

static void serve(int signals)
{
	static struct pollfd wait[2 + TASKS * TASK_FDS];
	static u32 first; /* who may fill the ring first changes, so that nobody starves */
	long limit = channel_is_port() ? IDLE_PORT_MS : IDLE_MS;
	bool wants_frames = true;

	for (;;) {
		s64 now = now_ms();
		long patience = limit;
		u32 polled = tasks_used();
		long ready;

		/* The free ones are left out: the kernel copies and looks at each entry, each time. */
		for (u32 i = 0; i < polled; i++) {
			task_poll(&tasks[i], wait + 2 + i * TASK_FDS);
			patience = task_patience(&tasks[i], now, patience);
		}
		wants_frames = channel_room() >= CHANNEL_RESERVE;
		wait[0] = (struct pollfd){
			.fd = wants_frames || channel_has_output() ? channel_fd() : -1,
			.events = (wants_frames ? POLLIN : 0) | (channel_has_output() ? POLLOUT : 0),
		};
		wait[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
		ready = sys(poll, wait, 2 + polled * TASK_FDS, patience);
		if (channel_is_silent_port() && (wait[0].revents & POLLHUP))
			sleep_ms(SILENT_PORT_MS);

		reap(signals);
		channel_flush();
		host_answer();
		if (wants_frames && (wait[0].revents || ready == 0 || channel_is_port()))
			channel_receive();
		handle_frames();
		if (channel_is_lost())
			end_quietly();
		now = now_ms();
		first++;
		for (u32 i = 0; i < TASKS; i++) {
			u32 n = (first + i) % TASKS;

			/* One that has begun since the poll is tried as after a time without events. */
			task_move(&tasks[n],
				  ready > 0 && n < polled ? wait + 2 + n * TASK_FDS : NULL);
			task_advance(&tasks[n], now);
		}
		channel_flush();
		handle_frames(); /* those that waited for room */
	}
}

static void say_hello(void)
{
	u8 hello[32] = "jkvm-agt";

	hello[8] = PROTOCOL_VERSION;
	hello[12] = FEATURE_MOUNT;
	boot_identity(hello + 16);
	channel_send(AGENT_HELLO, 0, 0, hello, sizeof(hello));
	channel_flush();
}

/* The standard streams must be taken: by rule 0 to 2 are nothing else. */
static void hold_streams(void)
{
	int fd;

	do {
		fd = sys(open, "/dev/null", O_RDWR);
		if (fd < 0)
			fd = sys(memfd_create, "null", 0);
	} while (fd >= 0 && fd <= 2);
	close_fd(&fd);
}

__attribute__((used, noreturn)) void agent_main(long *stack)
{
	char **arguments = (char **)(stack + 1);
	const char *port = NULL;
	u64 fd = ~0ul;
	int signals;

	is_init = sys(getpid) == 1;
	for (long i = 1; i < stack[0]; i++) {
		bool has_more = i + 1 < stack[0];

		if (equal(arguments[i], "--harmless"))
			is_harmless = true;
		else if (equal(arguments[i], "--port") && has_more)
			port = arguments[++i];
		else if (equal(arguments[i], "--fd") && has_more)
			parse_number(arguments[++i], 1u << 20, &fd);
		else if (equal(arguments[i], "--below") && has_more)
			channel_look_below(arguments[++i]);
		/* What else the kernel's command line had for init is not for us. */
	}
	hold_streams();
	if (is_init)
		init_machine();
	survive();
	signals = open_child_signals();
	if (port)
		channel_open_path(port);
	else if (fd != ~0ul)
		channel_use(fd);
	else
		channel_find();
	say_hello();
	serve(signals);
	for (;;)
		;
}

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call agent_main\n"
	"	hlt\n");
