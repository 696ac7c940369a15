// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.files.StatFs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Tells the file systems that are no guest's business: those of the kernel's own, by which a guest
 * would reach into the host's processes and devices, and those that some process serves, which may
 * never answer. The name of the type comes from proc(5) without a call to the file system itself.
 */
final class MountTypes {
  private static final Set<String> SPECIAL =
      Set.of(
          "autofs",
          "binfmt_misc",
          "bpf",
          "cgroup",
          "cgroup2",
          "configfs",
          "cpuset",
          "debugfs",
          "devpts",
          "devtmpfs",
          "efivarfs",
          "fusectl",
          "mqueue",
          "nfsd",
          "nsfs",
          "proc",
          "pstore",
          "resctrl",
          "rpc_pipefs",
          "securityfs",
          "selinuxfs",
          "smackfs",
          "sysfs",
          "tracefs");

  private static final Path DESCRIPTORS = Path.of("/proc/self/fdinfo");
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
  private static final String MOUNT_ID = "mnt_id:";

  private static final long OVERLAYFS_SUPER_MAGIC = 0x794c7630;
  private static final long NSFS_MAGIC = 0x6e736673;
  private static final long MQUEUE_MAGIC = 0x19800202;
  private static final long SELINUX_MAGIC = 0xf97cff8cL;
  private static final long RPC_PIPEFS_MAGIC = 0x67596969;
  private static final long SMB_MAGIC = 0xff534d42L;
  private static final long SMB2_MAGIC = 0xfe534d42L;
  private static final long V9FS_MAGIC = 0x01021997;
  private static final long CEPH_MAGIC = 0x00c36400;

  private MountTypes() {}

  /** What a handle lies in. */
  enum Kind {
    ORDINARY,
    /** Of layers (overlayfs): a file that is written to goes to another layer, and is born anew. */
    LAYERED,
    /** Has a server, so what it knows without asking may be old. */
    REMOTE,
    /** Served by a process (FUSE). */
    SERVED,
    /** The kernel's own. */
    SPECIAL;

    /** Whether such a mount below the root of a share is shown as an empty directory. */
    boolean isHidden() {
      return this == SERVED || this == SPECIAL;
    }

    boolean isRemote() {
      return this == SERVED || this == REMOTE;
    }
  }

  /**
   * The kind of the file system that a handle lies in.
   *
   * @param thread whose structure for statfs(2) is used
   */
  static Kind kind(HostThread thread, int handle) {
    String type = type(mountId(handle));
    if (SPECIAL.contains(type)) {
      return Kind.SPECIAL;
    }
    if (type.equals("fuse") || type.equals("fuseblk") || type.startsWith("fuse.")) {
      return Kind.SERVED;
    }
    StatFs fileSystem = thread.fileSystem;
    if (fileSystem.read(handle) < 0) {
      return Kind.SPECIAL;
    }
    return kind(fileSystem.type() & 0xffff_ffffL);
  }

  private static Kind kind(long magic) {
    if (magic == StatFs.FUSE_SUPER_MAGIC) {
      return Kind.SERVED;
    }
    if (magic == OVERLAYFS_SUPER_MAGIC) {
      return Kind.LAYERED;
    }
    if (magic == StatFs.NFS_SUPER_MAGIC
        || magic == SMB_MAGIC
        || magic == SMB2_MAGIC
        || magic == V9FS_MAGIC
        || magic == CEPH_MAGIC) {
      return Kind.REMOTE;
    }
    boolean special =
        magic == StatFs.AUTOFS_SUPER_MAGIC
            || magic == StatFs.BINFMTFS_MAGIC
            || magic == StatFs.BPF_FS_MAGIC
            || magic == StatFs.CGROUP_SUPER_MAGIC
            || magic == StatFs.CGROUP2_SUPER_MAGIC
            || magic == StatFs.CONFIGFS_MAGIC
            || magic == StatFs.DEBUGFS_MAGIC
            || magic == StatFs.DEVPTS_SUPER_MAGIC
            || magic == StatFs.EFIVARFS_MAGIC
            || magic == StatFs.PROC_SUPER_MAGIC
            || magic == StatFs.PSTOREFS_MAGIC
            || magic == StatFs.SECURITYFS_MAGIC
            || magic == StatFs.SYSFS_MAGIC
            || magic == StatFs.TRACEFS_MAGIC
            || magic == NSFS_MAGIC
            || magic == MQUEUE_MAGIC
            || magic == SELINUX_MAGIC
            || magic == RPC_PIPEFS_MAGIC;
    return special ? Kind.SPECIAL : Kind.ORDINARY;
  }

  /** The number of the mount that a descriptor was reached by; -1 if it can't be told. */
  static long mountId(int descriptor) {
    for (String line : lines(DESCRIPTORS.resolve(Integer.toString(descriptor)))) {
      if (line.startsWith(MOUNT_ID)) {
        return Long.parseLong(line.substring(MOUNT_ID.length()).strip());
      }
    }
    return -1;
  }

  /** The name of a mount's type; empty if there is no such mount. */
  private static String type(long mountId) {
    String start = mountId + " ";
    for (String line : lines(MOUNTS)) {
      int separator = line.indexOf(" - ");
      if (separator > 0 && line.startsWith(start)) {
        String rest = line.substring(separator + 3);
        return rest.substring(0, Math.max(0, rest.indexOf(' ')));
      }
    }
    return "";
  }

  private static List<String> lines(Path path) {
    try {
      return Files.readAllLines(path, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return List.of(); // then statfs(2) tells
    }
  }
}
