// SPDX-License-Identifier: Apache-2.0
#include "host.h"

#include "agent.h"
#include "protocol.h"
#include "task.h"
#include "util.h"

#define SYNC_MS 5000 /* a dead disk must not keep the machine from being stopped */

static bool is_greeted;
static long syncing; /* the process that does, or 0 */
static u32 syncs_wanted, syncs_done, syncs_failed;
static long sync_error;

static void done(u32 type, long error, const char *text)
{
	struct { u32 type, error; char text[512]; } frame = { .type = type, .error = error };

	format(frame.text, sizeof(frame.text), "%s", text);
	channel_send(AGENT_DONE, 0, 0, &frame, 8 + length_of(frame.text));
}

static long set_clock(u64 nanoseconds)
{
	struct timespec time = { nanoseconds / 1000000000, nanoseconds % 1000000000 };

	if (is_harmless)
		return -EPERM;
	return sys(clock_settime, CLOCK_REALTIME, &time);
}

/* The next word of a line of /proc/mounts, in which blanks and the like stand as \040. */
static char *next_word(char **line)
{
	char *word = *line, *from = word, *to = word;

	while (*from && *from != ' ') {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0');
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*line = *from ? from + 1 : from;
	*to = 0;
	return word;
}

/* sync(2) does not say what could not be written, syncfs(2) does (Linux 5.8). Returns an errno. */
static long sync_mounts(void)
{
	struct lines lines;
	char *line;
	long error = 0;

	lines_open(&lines, "/proc/self/mounts");
	while ((line = lines_next(&lines))) {
		char *device = next_word(&line), *where = next_word(&line), *type = next_word(&line);
		long fd, result;

		/* Not FUSE, whose daemon may be a stopped one of the command's. */
		if (starts_with(type, "fuse"))
			continue;
		if (!starts_with(device, "/dev/") && !equal(type, "virtiofs") && !equal(type, "9p"))
			continue;
		fd = sys(open, where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		result = sys(syncfs, fd);
		if (result < 0 && !error)
			error = -result;
		sys(close, fd);
	}
	return error;
}

static long fork_sync(void)
{
	long pid = sys(fork);

	if (pid == 0) {
		close_from(3);
		/*
		 * Twice: before Linux 6.10 (commit d92109891f21) one that finds background writeback
		 * interrupted may leave out files, and clears the way for the next.
		 */
		sys(sync);
		sys(sync);
		for (;;)
			sys(exit_group, sync_mounts());
	}
	return pid;
}

/* One process at a time; a SYNC that comes meanwhile needs another one, for what was written since. */
static void start_sync(void)
{
	if (syncing || !syncs_wanted)
		return;
	syncing = fork_sync();
	if (syncing > 0)
		return;
	sync_error = -syncing;
	syncs_failed += syncs_wanted;
	syncing = syncs_wanted = 0;
	host_answer();
}

void host_reaped(long pid, int status)
{
	if (pid != syncing)
		return;
	syncing = 0;
	syncs_wanted--;
	if (status) {
		sync_error = status & 0x7f ? EINTR : status >> 8;
		syncs_failed++;
	} else {
		syncs_done++;
	}
	host_answer();
	start_sync();
}

void host_answer(void)
{
	for (; syncs_done && channel_room() >= CHANNEL_RESERVE; syncs_done--)
		done(SYNC, 0, "");
	for (; syncs_failed && channel_room() >= CHANNEL_RESERVE; syncs_failed--)
		done(SYNC, sync_error, error_text(sync_error));
}

void power(u32 how)
{
	int command = how == POWER_RESET ? LINUX_REBOOT_CMD_RESTART : LINUX_REBOOT_CMD_POWER_OFF;
	long pid;

	if (is_init)
		sys(kill, -1, SIGKILL);
	pid = is_harmless ? 0 : fork_sync();
	for (s64 until = now_ms() + SYNC_MS; pid > 0 && now_ms() < until; sleep_ms(1))
		if (sys(wait4, pid, NULL, WNOHANG, NULL))
			pid = 0;
	if (!is_harmless)
		sys(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, NULL);
	for (;;)
		sys(exit_group, 0);
}

static void hello(const struct frame *frame)
{
	u32 version = get_u32(frame->bytes);
	u64 time = get_u64(frame->bytes + 4);

	if (is_greeted)
		end_agent("protocol: a second HELLO");
	if (version != PROTOCOL_VERSION)
		end_agent("protocol: the host speaks version %lu, the agent %lu",
			  (unsigned long)version, (unsigned long)PROTOCOL_VERSION);
	is_greeted = true;
	if (time)
		set_clock(time);
}

/* ROOT and MOUNT: flags and four strings. */
static void mounting(const struct frame *frame, u32 known_flags,
		     long (*body)(u32 flags, char *const strings[4], char *text, size_t size))
{
	static char bytes[FRAME_BYTES + 1];
	char *strings[4], text[512] = "";
	u32 count = 0, at = 4;
	long error;

	memcpy(bytes, frame->bytes, frame->size);
	for (; count < 4 && at < frame->size; count++) {
		strings[count] = bytes + at;
		while (at < frame->size && bytes[at])
			at++;
		if (at++ == frame->size)
			end_agent("protocol: a string without its end in a frame of type %lu",
				  (unsigned long)frame->type);
	}
	if (count != 4 || at != frame->size || (get_u32(frame->bytes) & ~known_flags))
		end_agent("protocol: a frame of type %lu is not as it should be", (unsigned long)frame->type);
	error = is_harmless ? EPERM : body(get_u32(frame->bytes), strings, text, sizeof(text));
	done(frame->type, error, text);
}

void host_frame(const struct frame *frame)
{
	static const u8 sizes[] = { [HELLO] = 12, [TIME] = 8, [POWER] = 4, [PING] = 8 };
	bool has_strings = frame->type == ROOT || frame->type == MOUNT;
	bool is_of_task = frame->type >= EXEC && frame->type <= WRITE;
	long error;

	if (!is_greeted && frame->type != HELLO)
		end_agent("protocol: not HELLO but a frame of type %lu", (unsigned long)frame->type);
	if (is_of_task)
		return task_frame(frame);
	if (frame->type < HELLO || frame->type > MOUNT)
		end_agent("protocol: a frame of type %lu", (unsigned long)frame->type);
	if (frame->task || frame->stream ||
	    (has_strings ? frame->size < 8 : frame->size != sizes[frame->type]))
		end_agent("protocol: wrong numbers in a frame of type %lu", (unsigned long)frame->type);

	switch (frame->type) {
	case HELLO:
		hello(frame);
		break;
	case TIME:
		error = -set_clock(get_u64(frame->bytes));
		done(TIME, error, error ? error_text(error) : "");
		break;
	case SYNC:
		if (syncs_wanted + syncs_done + syncs_failed >= TASKS)
			return done(SYNC, EAGAIN, error_text(EAGAIN));
		syncs_wanted++;
		start_sync();
		break;
	case POWER:
		if (get_u32(frame->bytes) > POWER_RESET)
			end_agent("protocol: POWER %lu", (unsigned long)get_u32(frame->bytes));
		tasks_kill();
		power(get_u32(frame->bytes));
		break;
	case ROOT:
		mounting(frame, ROOT_OVERLAY, root_change);
		break;
	case MOUNT:
		mounting(frame, 0, mount_below);
		break;
	case PING:
		channel_send(AGENT_PONG, 0, 0, frame->bytes, 8);
		break;
	}
}
