// SPDX-License-Identifier: Apache-2.0
/* Finds the channel: vsock, or a virtio-console port with our name. */
#include <linux/un.h>

#include "agent.h"
#include "channel.h"
#include "protocol.h"
#include "util.h"

#define RETRY_MS 100
#define FIRST_RETRY_MS 10 /* in the first second: the devices may just be on their way */
#define COMPLAIN_MS 10000
#define HOST_CID 2

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

static int open_vsock(void)
{
	struct vsock_address host = { AF_VSOCK, 0, VSOCK_PORT, HOST_CID, { 0 } };
	int fd = sys(socket, AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && !is_connected(fd, sys(connect, fd, &host, sizeof(host))))
		close_fd(&fd);
	return fd;
}

/* Where devtmpfs has not made the device file, its numbers in /sys are enough to make one. */
static int open_port(const char *name)
{
	char path[300], numbers[32];
	u64 major, minor;
	char *colon;
	int fd;

	format(path, sizeof(path), "/dev/%s", name);
	fd = sys(open, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd != -ENOENT)
		return fd;
	format(path, sizeof(path), "/sys/class/virtio-ports/%s/dev", name);
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
	format(path, sizeof(path), "/dev/%s", name);
	if (sys(mknod, path, S_IFCHR | 0600, major << 8 | minor) < 0) {
		format(path, sizeof(path), "/run/%s", name);
		sys(mknod, path, S_IFCHR | 0600, major << 8 | minor);
	}
	return sys(open, path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static int find_port(void)
{
	struct names ports;
	const char *name;
	int fd = -1;

	if (!names_open(&ports, "/sys/class/virtio-ports"))
		return -1;
	while (fd < 0 && (name = names_next(&ports))) {
		char path[300], port[64];

		format(path, sizeof(path), "/sys/class/virtio-ports/%s/name", name);
		if (read_file(path, port, sizeof(port)) > 0 && starts_with(port, CONSOLE_PORT "\n"))
			fd = open_port(name);
	}
	names_close(&ports);
	return fd;
}

void channel_find(void)
{
	s64 start = now_ms(), complain_at = start + COMPLAIN_MS;

	for (;;) {
		int fd = open_vsock();

		if (fd < 0)
			fd = find_port();
		if (fd >= 0) {
			channel_use(fd);
			return;
		}
		if (complain_at && now_ms() >= complain_at) {
			say("no channel to the host: the kernel lacks CONFIG_VIRTIO_CONSOLE, "
			    "CONFIG_VIRTIO_PCI or CONFIG_VIRTIO_MMIO, or the module of one; "
			    "still trying");
			complain_at = 0;
		}
		sleep_ms(now_ms() < start + 1000 ? FIRST_RETRY_MS : RETRY_MS);
	}
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
