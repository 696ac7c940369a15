// SPDX-License-Identifier: Apache-2.0
/* Finds the channel: vsock, or a virtio-console port with our name. */
#include <linux/un.h>

#include "agent.h"
#include "channel.h"
#include "protocol.h"
#include "util.h"

#define RETRY_MS 100
#define FIRST_RETRY_MS 10 /* in the first second: the devices may just be on their way */
#define HINT_MS 10000
#define HOST_CID 2
#define ANY_CID 0xffffffff
#define PRIVILEGED_PORTS 1024 /* below it */
#define PATH_BYTES 600

static const char *base = ""; /* what stands before /sys, /proc and /dev */

struct vsock_address {
	u16 family;
	u16 zero;
	u32 port;
	u32 cid;
	u8 rest[4];
};

/* Waits for a connection in progress; a host without a listener refuses it, none at all times out. */
static bool is_connected(int fd, long result)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int error = 0, size = sizeof(error);

	if (result == 0)
		return true;
	if (result != -EINPROGRESS || sys(poll, &wait, 1, 1000) != 1)
		return false;
	return sys(getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error;
}

/*
 * From a port that only root can have, or the host would not believe that we are no program of some
 * user's. One that was given up lately may still be taken.
 */
static void bind_low(int fd)
{
	struct vsock_address here = { AF_VSOCK, 0, PRIVILEGED_PORTS, ANY_CID, { 0 } };

	do
		here.port--;
	while (here.port && sys(bind, fd, &here, sizeof(here)) == -EADDRINUSE);
}

static int open_vsock(void)
{
	struct vsock_address host = { AF_VSOCK, 0, VSOCK_PORT, HOST_CID, { 0 } };
	int fd = sys(socket, AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		bind_low(fd);
	if (fd >= 0 && !is_connected(fd, sys(connect, fd, &host, sizeof(host))))
		close_fd(&fd);
	return fd;
}

/* Where devtmpfs has not made the device file, its numbers in /sys are enough to make one. */
static int open_port(const char *name)
{
	char path[PATH_BYTES], numbers[32];
	u64 major, minor;
	char *colon;
	int fd;

	format(path, sizeof(path), "%s/dev/%s", base, name);
	fd = sys(open, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd != -ENOENT)
		return fd;
	format(path, sizeof(path), "%s/sys/class/virtio-ports/%s/dev", base, name);
	if (read_file(path, numbers, sizeof(numbers)) <= 0)
		return -ENOENT;
	colon = (char *)last_of(numbers, ':');
	if (!colon)
		return -ENOENT;
	*colon++ = 0;
	if (last_of(colon, '\n'))
		*(char *)last_of(colon, '\n') = 0;
	if (!parse_number(numbers, 4095, &major) || !parse_number(colon, 255, &minor))
		return -ENOENT;
	format(path, sizeof(path), "%s/dev/%s", base, name);
	if (sys(mknod, path, S_IFCHR | 0600, major << 8 | minor) < 0) {
		format(path, sizeof(path), "%s/run/%s", base, name);
		sys(mknod, path, S_IFCHR | 0600, major << 8 | minor);
	}
	return sys(open, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int find_port(void)
{
	struct names ports;
	const char *name;
	char path[PATH_BYTES];
	int fd = -1;

	format(path, sizeof(path), "%s/sys/class/virtio-ports", base);
	if (!names_open(&ports, path))
		return -1;
	while (fd < 0 && (name = names_next(&ports))) {
		char port[64];

		format(path, sizeof(path), "%s/sys/class/virtio-ports/%s/name", base, name);
		if (read_file(path, port, sizeof(port)) > 0 && starts_with(port, CONSOLE_PORT "\n"))
			fd = open_port(name);
	}
	names_close(&ports);
	return fd;
}

static bool is_there(const char *what)
{
	char path[PATH_BYTES];

	format(path, sizeof(path), "%s%s", base, what);
	return exists(path);
}

/* By its number (virtio 1.2, chapter 5), as the file in /sys has it. */
static bool has_device(const char *number)
{
	struct names devices;
	const char *name;
	char path[PATH_BYTES];
	bool found = false;

	format(path, sizeof(path), "%s/sys/bus/virtio/devices", base);
	if (!names_open(&devices, path))
		return false;
	while (!found && (name = names_next(&devices))) {
		char type[16];

		format(path, sizeof(path), "%s/sys/bus/virtio/devices/%s/device", base, name);
		found = read_file(path, type, sizeof(type)) > 0 && equal(type, number);
	}
	names_close(&devices);
	return found;
}

/*
 * What the kernel has no device or no driver for, or NULL if the channel may come. A driver is on
 * its bus when its module is loaded, and so is a device when the driver of its transport is there:
 * neither needs any time that depends on the host. The port does, which the host's device announces
 * in messages, so a port that is missing tells nothing.
 */
static const char *lack(void)
{
	bool has_console = has_device("0x0003\n");
	bool has_driver = is_there("/sys/bus/virtio/drivers/virtio_console");

	/* Not by a connect that is under way: the loopback transport takes it and refuses it later. */
	if (has_device("0x0013\n") || (has_console && has_driver))
		return NULL;
	if (!is_there("/sys/bus"))
		return "the kernel lacks CONFIG_SYSFS";
	if (has_console)
		return "the kernel lacks CONFIG_VIRTIO_CONSOLE, or the module of it";
	if (has_driver)
		return "the kernel lacks CONFIG_VIRTIO_PCI or CONFIG_VIRTIO_MMIO, or the module of it";
	return "the kernel lacks CONFIG_VIRTIO_CONSOLE and one of CONFIG_VIRTIO_PCI and "
	       "CONFIG_VIRTIO_MMIO, or the modules of them";
}

/* As init we have loaded all modules that there are; another may still do so, or mount /proc first. */
static bool may_still_load(void)
{
	return !is_init &&
	       (is_there("/proc/modules") || !is_there("/proc/self") || !is_there("/sys/kernel"));
}

static void hint(const char *what)
{
	if (what)
		say("no channel to the host yet: %s, unless that is still to be loaded", what);
	else
		say("no channel to the host yet: device and driver are there, the port "
		    CONSOLE_PORT " is not");
}

void channel_find(void)
{
	s64 start = now_ms();
	bool has_complained = false, has_hinted = false;

	for (;;) {
		int fd = *base ? -1 : open_vsock();
		const char *what;

		if (fd < 0)
			fd = find_port();
		if (fd >= 0) {
			channel_use(fd);
			return;
		}
		what = lack();
		if (what && !has_complained && !may_still_load()) {
			/* The host takes this line for the end, so no time may have a part in it. */
			say("no channel to the host: %s", what);
			has_complained = true;
		}
		if (!has_complained && !has_hinted && now_ms() >= start + HINT_MS) {
			hint(what);
			has_hinted = true;
		}
		sleep_ms(now_ms() < start + 1000 ? FIRST_RETRY_MS : RETRY_MS);
	}
}

void channel_look_below(const char *directory)
{
	base = directory;
}

void channel_open_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	long fd = sys(stat, path, &status);

	if (fd == 0 && S_ISSOCK(status.st_mode)) {
		format(address.sun_path, sizeof(address.sun_path), "%s", path);
		fd = sys(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0) {
			long result = sys(connect, fd, &address, sizeof(address));

			fd = result < 0 ? result : fd;
		}
	} else if (fd == 0) {
		fd = sys(open, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	}
	if (fd < 0)
		end_agent("%s: %s", path, error_text(-fd));
	channel_use(fd);
}
