// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.TreeStatistics;
import java.nio.ByteBuffer;

/**
 * Requests about a mount as a whole: INIT, DESTROY, STATFS, SYNCFS, and the FORGETs, which tell
 * what it no longer holds.
 *
 * <p>INIT answers with the bits that were offered and that are done, and no others. Never among
 * them: POSIX_LOCKS and FLOCK_LOCKS, since locks of the guest's are the guest's; HANDLE_KILLPRIV,
 * whose rules are not Linux's; ATOMIC_O_TRUNC, which would leave a guest no time to clear set-ID
 * bits by SETATTR; WRITEBACK_CACHE, which would read by handles that are for writing only;
 * SUBMOUNTS, which an overlay refuses; POSIX_ACL and what needs it; SETXATTR_EXT. No bit of the
 * second word is done, so INIT_EXT isn't either.
 *
 * <p>HANDLE_KILLPRIV_V2 is for trees that clear set-ID bits and capabilities themselves: a guest
 * that has to do that asks for {@code security.capability} before each write. The bits of WRITE,
 * SETATTR, OPEN and CREATE that come with it say when they must be cleared; such a tree always
 * does.
 */
final class MountRequests {
  /** The largest WRITE, and the largest READ, in bytes. */
  static final int MAX_WRITE_BYTES = 1 << 20;

  private static final int MAJOR = 7;
  private static final int MINOR = 38;

  /** The structures of requests are the same since then. */
  private static final int OLDEST_MINOR = 12;

  /** Since then INIT's reply has all its fields. */
  private static final int LONG_INIT_MINOR = 23;

  private static final int OLD_INIT_BODY_BYTES = 16;
  private static final int PAGE_BYTES = 4096;
  private static final int MAX_BACKGROUND = 128;
  private static final int CONGESTED = 96;

  private static final int ASYNC_READ = 1;
  private static final int BIG_WRITES = 1 << 5;
  private static final int AUTO_INVAL_DATA = 1 << 12;
  private static final int DO_READDIRPLUS = 1 << 13;
  private static final int READDIRPLUS_AUTO = 1 << 14;
  private static final int ASYNC_DIO = 1 << 15;
  private static final int PARALLEL_DIROPS = 1 << 18;
  private static final int MAX_PAGES = 1 << 22;
  private static final int CACHE_SYMLINKS = 1 << 23;
  private static final int HANDLE_KILLPRIV_V2 = 1 << 28;

  private static final int DONE =
      ASYNC_READ
          | BIG_WRITES
          | AUTO_INVAL_DATA
          | DO_READDIRPLUS
          | READDIRPLUS_AUTO
          | ASYNC_DIO
          | PARALLEL_DIROPS
          | MAX_PAGES;

  private static final int FORGET_ONE_BYTES = 16;
  private static final int FORGETS_AT_ONCE = 256;

  private final FuseSession session;
  private final FuseRequest request;
  private final FuseReply reply;
  private final TreeStatistics statistics = new TreeStatistics();
  private final NativeMemory forgets = new NativeMemory(FORGET_ONE_BYTES * FORGETS_AT_ONCE);

  MountRequests(FuseSession session, FuseRequest request, FuseReply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /**
   *
   *
   * <pre>
   * struct fuse_init_in {     offset      struct fuse_init_out {    offset
   *   u32 major, minor;            0        u32 major, minor;            0
   *   u32 max_readahead;           8        u32 max_readahead;           8
   *   u32 flags;                  12        u32 flags;                  12
   *   u32 flags2;                 16        u16 max_background;         16
   * };                                      u16 congestion_threshold;   18
   *                                         u32 max_write;              20
   *                                         u32 time_gran;              24
   *                                         u16 max_pages;              28
   *                                         u16 map_alignment;          30
   *                                         u32 flags2;                 32
   *                                       };
   * </pre>
   */
  int init() {
    int major = request.u32(0);
    int minor = request.u32(4);
    if (Integer.compareUnsigned(major, MAJOR) > 0) {
      // A guest that can do better asks again with our version.
      reply.u32(MAJOR);
      reply.u32(MINOR);
      reply.zeroTo(FuseReply.OLD_INIT_BYTES);
      return reply.staged();
    }
    if (major != MAJOR
        || Integer.compareUnsigned(minor, OLDEST_MINOR) < 0
        || request.bodyBytes() < OLD_INIT_BODY_BYTES) {
      return -Errno.EPROTO;
    }
    session.begin();
    boolean isLong =
        Integer.compareUnsigned(minor, LONG_INIT_MINOR) >= 0
            && reply.room() >= FuseReply.INIT_BYTES;
    reply.u32(MAJOR);
    reply.u32(MINOR);
    reply.u32(request.u32(8));
    reply.u32(done(request.u32(12)));
    reply.u16(MAX_BACKGROUND);
    reply.u16(CONGESTED);
    reply.u32(MAX_WRITE_BYTES);
    if (isLong) {
      reply.u32(1);
      reply.u16(MAX_WRITE_BYTES / PAGE_BYTES);
      reply.zeroTo(FuseReply.INIT_BYTES);
    }
    return reply.staged();
  }

  private int done(int offered) {
    int done = DONE;
    if (session.policy().keepsContent()) {
      done |= CACHE_SYMLINKS;
    }
    if (session.tree().clearsPrivileges()) {
      done |= HANDLE_KILLPRIV_V2;
    }
    if ((offered & DO_READDIRPLUS) == 0) {
      done &= ~READDIRPLUS_AUTO;
    }
    return offered & done;
  }

  int destroy() {
    session.end();
    return 0;
  }

  int statfs() {
    int result = session.tree().statistics(request.node(), statistics);
    if (result < 0) {
      return result;
    }
    reply.statistics(statistics);
    return reply.staged();
  }

  int syncfs() {
    return session.policy().readOnly() ? 0 : Math.min(session.tree().sync(), 0);
  }

  int forget() {
    session.tree().forget(request.node(), request.u64(0));
    return 0;
  }

  /** {@code struct fuse_forget_one { u64 nodeid; u64 nlookup; }}, as many as the request says. */
  int batchForget() throws GuestFault {
    long count = Integer.toUnsignedLong(request.u32(0));
    long there = (request.bodyBytes() - 8) / FORGET_ONE_BYTES;
    if (count > there) {
      return -Errno.EINVAL;
    }
    ByteBuffer bytes = forgets.buffer();
    for (long done = 0; done < count; done += FORGETS_AT_ONCE) {
      int part = (int) Math.min(FORGETS_AT_ONCE, count - done);
      request.data(8 + FORGET_ONE_BYTES * done, forgets, FORGET_ONE_BYTES * part);
      for (int i = 0; i < part; i++) {
        int at = FORGET_ONE_BYTES * i;
        session.tree().forget(bytes.getLong(at), bytes.getLong(at + 8));
      }
    }
    return 0;
  }
}
