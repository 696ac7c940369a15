// SPDX-License-Identifier: Apache-2.0
/* ROOT makes a device the root of all that runs from then on; MOUNT mounts one in it. */
#include <linux/mount.h>

#include "carry.h"
#include "host.h"
#include "protocol.h"
#include "util.h"

#define OVERLAY "/.jkvm/overlay"
#define OPTION_BYTES 4096 /* of a mount, the 0 at their end included: what is beyond, the kernel drops */
#define APPEAR_MS 5000 /* a disk may be found late, by a driver that does not wait for it */

/* What mount(8) makes flags of; the rest is the file system's own. */
static const struct { const char *name; u32 set, clear; } flag_options[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "nodev", MS_NODEV, 0 },
	{ "noexec", MS_NOEXEC, 0 },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "relatime", MS_RELATIME, 0 },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "lazytime", MS_LAZYTIME, 0 },
	{ "defaults", 0, 0 },
};

/* Cuts the next piece off a list with commas; false after the last. */
static bool next_piece(char **list, char **piece)
{
	char *end = *list;

	if (!*end)
		return false;
	*piece = end;
	while (*end && *end != ',')
		end++;
	*list = *end ? end + 1 : end;
	*end = 0;
	return true;
}

/* Leaves in a list of options what is the file system's. */
static u32 take_flags(char *options)
{
	char *piece, *list = options, *rest = options;
	u32 flags = 0;

	while (next_piece(&list, &piece)) {
		size_t i = 0;

		while (i < array_size(flag_options) && !equal(flag_options[i].name, piece))
			i++;
		if (i < array_size(flag_options)) {
			flags = (flags | flag_options[i].set) & ~flag_options[i].clear;
			continue;
		}
		if (*piece && rest != options)
			*rest++ = ',';
		while (*piece)
			*rest++ = *piece++;
	}
	*rest = 0;
	return flags;
}

/*
 * The option by which a file system does not replay its journal. After a crash it has to, and where
 * the device cannot be written to it refuses to be mounted instead.
 */
static const struct { const char *type, *option; } without_journal[] = {
	{ "ext3", "noload" },
	{ "ext4", "noload" },
	{ "xfs", "norecovery" },
	{ "btrfs", "rescue=nologreplay" },
	{ "f2fs", "norecovery" },
};

static long mount_without_journal(const char *device, const char *where, const char *type, u32 flags,
				  const char *options)
{
	char more[OPTION_BYTES + 1];
	size_t i = 0;
	long result;

	while (i < array_size(without_journal) && !equal(without_journal[i].type, type))
		i++;
	if (i == array_size(without_journal))
		return -EROFS;
	if (format(more, sizeof(more), "%s%s%s", options, *options ? "," : "",
		   without_journal[i].option) == OPTION_BYTES)
		return -E2BIG;
	result = sys(mount, device, where, type, flags, more);
	if (result == 0)
		say("%s: its %s was not unmounted and cannot be written to: read as it is, without its journal",
		    device, type);
	return result;
}

/* One type; read-only where the device cannot be written to. */
static long mount_as(const char *device, const char *where, const char *type, u32 flags,
		     const char *options)
{
	long result = -E2BIG, again;

	if (length_of(options) < OPTION_BYTES)
		result = sys(mount, device, where, type, flags, options);
	if (!(flags & MS_RDONLY) && (result == -EROFS || result == -EACCES))
		result = sys(mount, device, where, type, flags |= MS_RDONLY, options);
	/* EIO is the word of btrfs. */
	if ((flags & MS_RDONLY) && (result == -EROFS || result == -EACCES || result == -EIO)) {
		again = mount_without_journal(device, where, type, flags, options);
		if (again == 0)
			result = 0;
	}
	return result;
}

static long mount_device(const char *device, const char *where, char *types, u32 flags,
			 const char *options)
{
	static struct lines lines;
	long result = -ENODEV, last;
	char *type;

	while (next_piece(&types, &type)) {
		result = mount_as(device, where, type, flags, options);
		if (result == 0 || !*types)
			return result;
	}
	lines_open(&lines, "/proc/filesystems");
	while ((type = lines_next(&lines))) {
		if (*type != '\t')
			continue; /* "nodev" stands there */
		last = mount_as(device, where, type + 1, flags, options);
		/* EINVAL is "not mine", another error of a type that was it counts more. */
		if (last == 0 || result == -ENODEV || last != -EINVAL)
			result = last;
		if (last == 0)
			break;
	}
	close_fd(&lines.fd);
	return result;
}

/*
 * False if that is a symbolic link in the root: what it leads to can be mounted over only when the
 * root is the root.
 */
static bool move_mount(const char *from, const char *root, const char *type, u32 flags,
		       const char *options)
{
	char to[4200], target;

	format(to, sizeof(to), "%s%s", root, from);
	if (type && sys(readlink, to, &target, 1) >= 0)
		return false;
	sys(mkdir, to, 0755);
	if (sys(mount, from, to, NULL, MS_MOVE, NULL) == 0)
		return true;
	/* It was no mount, but a folder of the first root that had something in it. */
	if (type)
		sys(mount, type, to, type, flags, options);
	return true;
}

static void mount_memory(const char *where, u32 flags, const char *options)
{
	long result = sys(mount, "tmpfs", where, "tmpfs", flags, options);

	if (result < 0)
		say("%s is not in memory: %s", where, error_text(-result));
}

static long enter(const char *root)
{
	const u32 flags = MS_NOSUID | MS_NODEV;
	bool run, tmp;
	long result;

	/* A mount below a shared one cannot be moved. */
	sys(mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	move_mount("/proc", root, NULL, 0, NULL);
	move_mount("/sys", root, NULL, 0, NULL);
	move_mount("/dev", root, NULL, 0, NULL);
	run = move_mount("/run", root, "tmpfs", flags, "mode=0755");
	tmp = move_mount("/tmp", root, "tmpfs", flags, "mode=1777");
	result = sys(chdir, root);
	if (result == 0)
		result = sys(mount, ".", "/", NULL, MS_MOVE, NULL);
	if (result == 0)
		result = sys(chroot, ".");
	sys(chdir, "/");
	if (result == 0 && !run)
		mount_memory("/run", flags, "mode=0755");
	if (result == 0 && !tmp)
		mount_memory("/tmp", flags, "mode=1777");
	sys(mount, NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
	return result;
}

static long lay_over(const char *root)
{
	long result = sys(mount, "overlay", root, "overlay", 0,
			  "lowerdir=" OVERLAY "/lower,upperdir=" OVERLAY "/memory/upper,workdir=" OVERLAY
			  "/memory/work");

	return result;
}

/* What the kernel lacks for the first of these types. */
static const char *lack(long error, const char *types)
{
	if (error != ENODEV)
		return "";
	return starts_with(types, "virtiofs") ? " (CONFIG_VIRTIO_FS)" :
	       starts_with(types, "9p") ? " (CONFIG_9P_FS, CONFIG_NET_9P_VIRTIO)" : "";
}

long root_change(u32 flags, char *const strings[4], char *text, size_t size)
{
	const char *device = strings[0];
	const char *root = strings[3][0] ? strings[3] : "/.jkvm/root";
	bool overlay = flags & ROOT_OVERLAY;
	const char *where = overlay ? OVERLAY "/lower" : root;
	char *options = strings[2];
	u32 mount_flags = take_flags(options);
	int carried = -1;
	long result;

	if (starts_with(device, "/dev/"))
		for (s64 until = now_ms() + APPEAR_MS; !exists(device) && now_ms() < until;)
			sleep_ms(5);
	make_directories(root);
	make_directories(where);
	if (overlay)
		mount_flags |= MS_RDONLY;
	result = mount_device(device, where, strings[1], mount_flags, options);
	if (result < 0) {
		format(text, size, "cannot mount %s: %s%s", device, error_text(-result),
		       lack(-result, strings[1]));
		return -result;
	}
	if (overlay) {
		make_directories(OVERLAY "/memory");
		result = sys(mount, "tmpfs", OVERLAY "/memory", "tmpfs", 0, "mode=0755");
		sys(mkdir, OVERLAY "/memory/upper", 0755);
		sys(mkdir, OVERLAY "/memory/work", 0755);
		if (result == 0)
			result = lay_over(root);
		if (result < 0) {
			format(text, size, "cannot lay memory over %s (CONFIG_OVERLAY_FS, CONFIG_TMPFS): %s",
			       device, error_text(-result));
			return -result;
		}
		/* Only then: nothing of it is for the device. */
		carried = sys(open, CARRIED, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	result = enter(root);
	if (result < 0)
		format(text, size, "cannot make %s the root: %s", device, error_text(-result));
	else if (carried >= 0)
		result = carry_into_root(carried, text, size);
	close_fd(&carried);
	return -result;
}

long mount_below(u32 flags, char *const strings[4], char *text, size_t size)
{
	const char *device = strings[0], *where = strings[3];
	char *options = strings[2];
	u32 mount_flags = flags | take_flags(options);
	long result;

	if (where[0] != '/' || !where[1]) {
		format(text, size, "'%s' is no place to mount %s at", where, device);
		return EINVAL;
	}
	make_directories(where);
	result = mount_device(device, where, strings[1], mount_flags, options);
	if (result < 0)
		format(text, size, "cannot mount %s at %s: %s%s", device, where, error_text(-result),
		       lack(-result, strings[1]));
	return -result;
}
