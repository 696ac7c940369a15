// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.fs.HandleTable.Handle;

/** GETATTR, SETATTR, and the one ioctl about attributes. */
final class AttributeRequests {
  private static final int GETATTR_FH = 1;

  // SETATTR's bits; the first six and the two for the present are AttributeChange's own.
  private static final int FATTR_FH = 1 << 6;
  private static final int CHANGES =
      AttributeChange.MODE
          | AttributeChange.UID
          | AttributeChange.GID
          | AttributeChange.SIZE
          | AttributeChange.ACCESS_TIME
          | AttributeChange.MODIFICATION_TIME
          | AttributeChange.ACCESS_NOW
          | AttributeChange.MODIFICATION_NOW;

  private static final int NANOS_LIMIT = 1_000_000_000;

  private static final int IOCTL_DIR = 1 << 4;
  private static final int FS_IOC_GETFLAGS = 0x8008_6601;
  private static final int FS_IOC32_GETFLAGS = 0x8004_6601;
  private static final int IOCTL_OUT_BYTES = 16;
  private static final int FLAGS_BYTES = 4;
  private static final int LONG_FLAGS_BYTES = 8;

  private final FuseSession session;
  private final FuseRequest request;
  private final FuseReply reply;
  private final FileAttributes attributes = new FileAttributes();
  private final AttributeChange change = new AttributeChange();

  AttributeRequests(FuseSession session, FuseRequest request, FuseReply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /**
   * The permissions of a mode, without those that a policy does not let a guest give.
   *
   * @param mode anything
   */
  static int permissions(SharePolicy policy, int mode, boolean ofDirectory) {
    int permissions = mode & FileMode.PERMISSIONS;
    if (!policy.setIds()) {
      permissions &= ~FileMode.SET_UID;
      if (!ofDirectory) {
        permissions &= ~FileMode.SET_GID;
      }
    }
    return permissions;
  }

  /** {@code struct fuse_getattr_in { u32 getattr_flags, dummy; u64 fh; }}, since protocol 7.9. */
  int getattr() {
    if (request.bodyBytes() >= 16 && (request.u32(0) & GETATTR_FH) != 0) {
      Handle<OpenFile> handle = session.files().use(request.u64(8), request.node());
      if (handle == null) {
        return -Errno.EBADF;
      }
      try {
        return attributes(handle.opened().attributes(attributes));
      } finally {
        session.files().done(handle);
      }
    }
    return attributes(session.tree().attributes(request.node(), attributes));
  }

  private int attributes(int result) {
    if (result < 0) {
      return result;
    }
    reply.attributes(attributes);
    return reply.staged();
  }

  /**
   *
   *
   * <pre>
   * struct fuse_setattr_in {                offset
   *   u32 valid, padding;                        0
   *   u64 fh, size, lock_owner;                  8
   *   u64 atime, mtime, ctime;                  32
   *   u32 atimensec, mtimensec, ctimensec;      56
   *   u32 mode, unused4, uid, gid, unused5;     68
   * };
   * </pre>
   */
  int setattr() {
    int result = readChange();
    if (result < 0) {
      return result;
    }
    if ((request.u32(0) & FATTR_FH) == 0) {
      return attributes(
          session.tree().change(request.caller(), request.node(), null, change, attributes));
    }
    Handle<OpenFile> handle = session.files().use(request.u64(8), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      return attributes(
          session
              .tree()
              .change(request.caller(), request.node(), handle.opened(), change, attributes));
    } finally {
      session.files().done(handle);
    }
  }

  private int readChange() {
    change.fields = request.u32(0) & CHANGES;
    if (change.has(AttributeChange.ACCESS_NOW)) {
      change.fields &= ~AttributeChange.ACCESS_TIME;
    }
    if (change.has(AttributeChange.MODIFICATION_NOW)) {
      change.fields &= ~AttributeChange.MODIFICATION_TIME;
    }
    change.size = request.u64(16);
    change.accessSeconds = request.u64(32);
    change.modificationSeconds = request.u64(40);
    change.accessNanos = request.u32(56);
    change.modificationNanos = request.u32(60);
    change.uid = request.u32(76);
    change.gid = request.u32(80);
    boolean badSize = change.has(AttributeChange.SIZE) && change.size < 0;
    boolean badAccess = change.has(AttributeChange.ACCESS_TIME) && isBad(change.accessNanos);
    boolean badModification =
        change.has(AttributeChange.MODIFICATION_TIME) && isBad(change.modificationNanos);
    if (badSize || badAccess || badModification) {
      return -Errno.EINVAL;
    }
    return change.has(AttributeChange.MODE) ? readMode() : 0;
  }

  private static boolean isBad(int nanos) {
    return Integer.compareUnsigned(nanos, NANOS_LIMIT) >= 0;
  }

  /** The type in the request's mode is the guest's word only. */
  private int readMode() {
    int mode = request.u32(68);
    change.mode = permissions(session.policy(), mode, false);
    if (change.mode != (mode & FileMode.PERMISSIONS)) {
      int result = session.tree().attributes(request.node(), attributes);
      if (result < 0) {
        return result;
      }
      boolean directory = FileMode.isDirectory(attributes.mode);
      change.mode = permissions(session.policy(), mode, directory);
    }
    return 0;
  }

  /**
   * FS_IOC_GETFLAGS has none to tell, which overlayfs needs to hear of a lower layer; all others
   * are ENOTTY, which it forgives.
   *
   * <pre>
   * struct fuse_ioctl_in {         offset    struct fuse_ioctl_out {    offset
   *   u64 fh;                           0      s32 result;                   0
   *   u32 flags, cmd;                   8      u32 flags;                    4
   *   u64 arg;                         16      u32 in_iovs, out_iovs;        8
   *   u32 in_size, out_size;           24    };
   * };
   * </pre>
   */
  int ioctl() {
    boolean known =
        (request.u32(8) & IOCTL_DIR) != 0 ? isOpen(session.directories()) : isOpen(session.files());
    if (!known) {
      return -Errno.EBADF;
    }
    int command = request.u32(12);
    if (command != FS_IOC_GETFLAGS && command != FS_IOC32_GETFLAGS) {
      return -Errno.ENOTTY;
    }
    int out = request.u32(28);
    if (out != FLAGS_BYTES && out != LONG_FLAGS_BYTES || reply.room() < IOCTL_OUT_BYTES + out) {
      return -Errno.EINVAL;
    }
    reply.zeroTo(IOCTL_OUT_BYTES + out);
    return reply.staged();
  }

  private <T extends AutoCloseable> boolean isOpen(HandleTable<T> table) {
    Handle<T> handle = table.use(request.u64(0), request.node());
    if (handle != null) {
      table.done(handle);
    }
    return handle != null;
  }
}
