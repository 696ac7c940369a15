// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;

/** TGETATTR and TSETATTR. */
final class AttributeRequests {
  // TSETATTR's bits; the first six are AttributeChange's own.
  private static final int CHANGES =
      AttributeChange.MODE
          | AttributeChange.UID
          | AttributeChange.GID
          | AttributeChange.SIZE
          | AttributeChange.ACCESS_TIME
          | AttributeChange.MODIFICATION_TIME;
  private static final int ATIME_SET = 1 << 7;
  private static final int MTIME_SET = 1 << 8;

  private static final int NANOS_LIMIT = 1_000_000_000;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final Caller caller = new Caller();
  private final FileAttributes attributes = new FileAttributes();
  private final AttributeChange change = new AttributeChange();

  AttributeRequests(P9Session session, P9Request request, P9Reply reply) {
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

  /** {@code fid[4] request_mask[8]}: what is asked for is told, with everything else. */
  int getattr() throws GuestFault {
    Fid fid = session.file(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    int error =
        fid.file() != null
            ? fid.file().attributes(attributes)
            : session.tree().attributes(fid.node(), attributes);
    if (error < 0) {
      return error;
    }
    reply.attributes(attributes);
    return reply.staged();
  }

  /**
   * {@code fid[4] valid[4] mode[4] uid[4] gid[4] size[8] atime_sec[8] atime_nsec[8] mtime_sec[8]
   * mtime_nsec[8]}. A time without its SET bit becomes the present.
   */
  int setattr() throws GuestFault {
    Fid fid = session.file(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    int error = readChange(fid);
    if (error < 0) {
      return error;
    }
    caller.uid = fid.uid();
    caller.gid = 0;
    error = session.tree().change(caller, fid.node(), fid.file(), change, attributes);
    return Math.min(error, 0);
  }

  private int readChange(Fid fid) throws GuestFault {
    final int valid = request.u32();
    final int mode = request.u32();
    change.fields = valid & CHANGES;
    if (change.has(AttributeChange.ACCESS_TIME) && (valid & ATIME_SET) == 0) {
      change.fields += AttributeChange.ACCESS_NOW - AttributeChange.ACCESS_TIME;
    }
    if (change.has(AttributeChange.MODIFICATION_TIME) && (valid & MTIME_SET) == 0) {
      change.fields += AttributeChange.MODIFICATION_NOW - AttributeChange.MODIFICATION_TIME;
    }
    // The type in the mode is the guest's word only.
    change.mode = permissions(session.policy(), mode, fid.place().isDirectory());
    change.uid = request.u32();
    change.gid = request.u32();
    change.size = request.u64();
    change.accessSeconds = request.u64();
    final long accessNanos = request.u64();
    change.modificationSeconds = request.u64();
    final long modificationNanos = request.u64();
    change.accessNanos = (int) accessNanos;
    change.modificationNanos = (int) modificationNanos;
    boolean badSize = change.has(AttributeChange.SIZE) && change.size < 0;
    boolean badAccess = change.has(AttributeChange.ACCESS_TIME) && isBad(accessNanos);
    boolean badModification =
        change.has(AttributeChange.MODIFICATION_TIME) && isBad(modificationNanos);
    return badSize || badAccess || badModification ? -Errno.EINVAL : 0;
  }

  private static boolean isBad(long nanos) {
    return Long.compareUnsigned(nanos, NANOS_LIMIT) >= 0;
  }
}
