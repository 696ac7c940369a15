// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.LockOwner;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.p9.session.RecordLock;

/**
 * TLOCK and TGETLOCK, about locks that this client's processes have against each other. Nobody
 * waits here: a client that wants to asks again.
 */
final class LockRequests {
  private static final int READ_LOCK = 0;
  private static final int WRITE_LOCK = 1;
  private static final int UNLOCK = 2;

  private static final int SUCCESS = 0;
  private static final int BLOCKED = 1;
  private static final int ERROR = 2;

  /** BLOCK, which changes nothing, and RECLAIM. */
  private static final int FLAGS = 3;

  private static final int MAX_CLIENT_BYTES = 255;

  /** RGETLOCK without the characters of the client's name. */
  private static final int GETLOCK_BYTES = 23;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;

  LockRequests(P9Session session, P9Request request, P9Reply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /**
   * {@code fid[4] type[1] flags[4] start[8] length[8] proc_id[4] client_id[s]}, answered with
   * {@code status[1]}.
   */
  int lock() throws GuestFault {
    Fid fid = session.file(request.u32());
    int type = request.u8();
    int flags = request.u32();
    RecordLock wanted = readLock(fid, type);
    if (wanted == null || (flags & ~FLAGS) != 0) {
      return -Errno.EINVAL;
    }
    if (fid == null || fid.isPlain()) {
      return -Errno.EBADF;
    }
    reply.u8(type == UNLOCK ? unlock(wanted) : lock(wanted));
    return reply.staged();
  }

  private int unlock(RecordLock range) {
    return session.locks().unlock(range) ? SUCCESS : ERROR;
  }

  private int lock(RecordLock wanted) {
    if (session.locks().conflict(wanted) != null) {
      return BLOCKED;
    }
    return session.locks().lock(wanted) ? SUCCESS : ERROR;
  }

  /** What follows the type and flags; null if it is no lock. A length of 0 has no end. */
  private RecordLock readLock(Fid fid, int type) throws GuestFault {
    long start = request.u64();
    long length = request.u64();
    int process = request.u32();
    String client = request.string();
    if (!request.isWhole()
        || type > UNLOCK
        || client.length() > MAX_CLIENT_BYTES
        || start < 0
        || length < 0
        || length > 0 && start > Long.MAX_VALUE - (length - 1)) {
      return null;
    }
    long last = length == 0 ? Long.MAX_VALUE : start + length - 1;
    return new RecordLock(fid, new LockOwner(process, client), type == WRITE_LOCK, start, last);
  }

  /**
   * {@code fid[4] type[1] start[8] length[8] proc_id[4] client_id[s]}, answered with the same about
   * the first lock that is in the way, or what was asked with the type for none.
   */
  int getlock() throws GuestFault {
    Fid fid = session.file(request.u32());
    int type = request.u8();
    RecordLock wanted = readLock(fid, type);
    if (wanted == null || type == UNLOCK) {
      return -Errno.EINVAL;
    }
    if (fid == null || fid.isPlain()) {
      return -Errno.EBADF;
    }
    RecordLock found = session.locks().conflict(wanted);
    RecordLock told = found == null ? wanted : found;
    if (GETLOCK_BYTES + told.owner().client().length() > reply.room()) {
      return -Errno.EINVAL;
    }
    int foundType = found != null && found.exclusive() ? WRITE_LOCK : READ_LOCK;
    reply.u8(found == null ? UNLOCK : foundType);
    reply.u64(told.start());
    reply.u64(told.last() == Long.MAX_VALUE ? 0 : told.last() - told.start() + 1);
    reply.u32(told.owner().process());
    reply.string(told.owner().client());
    return reply.staged();
  }
}
