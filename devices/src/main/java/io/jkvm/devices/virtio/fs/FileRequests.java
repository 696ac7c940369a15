// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.virtio.fs.HandleTable.Handle;

/** Requests about regular files that are open, and those that open them. */
final class FileRequests {
  /** FOPEN_KEEP_CACHE. */
  private static final int KEEP_CACHE = 1 << 1;

  /** O_APPEND of the file, FUSE_WRITE_CACHE of a WRITE. */
  private static final int OPEN_APPEND = 0x400;

  private static final int WRITE_CACHE = 1;

  private static final int FSYNC_DATA_ONLY = 1;
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  /** What is copied at once: the guest asks again for the rest, and may be paused in between. */
  private static final long MAX_COPY_BYTES = 64 << 20;

  private final FuseSession session;
  private final HandleTable<OpenFile> files;
  private final FuseRequest request;
  private final FuseReply reply;
  private final IoVector vector;
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final FileAttributes entry = new FileAttributes();
  private final OpenResult result = new OpenResult();

  FileRequests(FuseSession session, FuseRequest request, FuseReply reply, int queueSize) {
    this.session = session;
    this.request = request;
    this.reply = reply;
    files = session.files();
    vector = new IoVector(queueSize);
  }

  /** {@code struct fuse_open_in { u32 flags, open_flags; }}. */
  int open() {
    int flags = request.u32(0);
    if ((flags & OpenFlags.ACCESS_MODE) == OpenFlags.ACCESS_MODE) {
      return -Errno.EINVAL;
    }
    if (session.policy().readOnly() && OpenFlags.writes(flags)) {
      return -Errno.EROFS;
    }
    if (!files.reserve()) {
      return -Errno.EMFILE;
    }
    boolean opened = false;
    try {
      int error = session.tree().open(request.caller(), request.node(), flags(flags), result);
      if (error < 0) {
        return error;
      }
      opened = true;
    } finally {
      if (!opened) {
        files.cancel();
      }
    }
    addHandle(request.node());
    return reply.staged();
  }

  private void addHandle(long node) {
    long handle = files.add(result.takeFile(), node);
    reply.open(handle, session.policy().keepsContent() ? KEEP_CACHE : 0);
  }

  /**
   * What a tree may see of a guest's flags. Not O_APPEND, which each write has anew: those of
   * mapped pages have their own places. Neither O_DIRECT nor O_NOATIME, which the host may refuse.
   */
  private static int flags(int flags) {
    return flags & (OpenFlags.ACCESS_MODE | OpenFlags.TRUNCATE | OpenFlags.SYNC);
  }

  /** {@code struct fuse_create_in { u32 flags, mode, umask, open_flags; }} and the name. */
  int create() throws GuestFault {
    int error = request.component(16, name);
    if (error < 0) {
      return error;
    }
    int flags = request.u32(0);
    int type = request.u32(4) & FileMode.TYPE;
    if ((flags & OpenFlags.ACCESS_MODE) == OpenFlags.ACCESS_MODE
        || type != 0 && type != FileMode.REGULAR) {
      return -Errno.EINVAL;
    }
    if (!files.reserve()) {
      return -Errno.EMFILE;
    }
    int mode = AttributeRequests.permissions(session.policy(), request.u32(4), false);
    int all = flags(flags) | flags & OpenFlags.EXCLUSIVE;
    boolean opened = false;
    try {
      error =
          session.tree().create(request.caller(), request.node(), name, mode, all, entry, result);
      if (error < 0) {
        return error;
      }
      opened = true;
    } finally {
      if (!opened) {
        files.cancel();
      }
    }
    reply.entry(entry);
    addHandle(entry.node);
    return reply.staged();
  }

  /**
   * A short answer would mean the end of the file, so the file is read until there is no more.
   *
   * <pre>
   * struct fuse_read_in, fuse_write_in {   offset
   *   u64 fh, offset;                           0
   *   u32 size, flags of READ and WRITE;       16
   *   u64 lock_owner;                          24
   *   u32 flags of open, padding;              32
   * };
   * </pre>
   */
  int read() throws GuestFault {
    int size = request.u32(16);
    long offset = request.u64(8);
    if (isBad(offset, size) || size > reply.room()) {
      return -Errno.EINVAL;
    }
    Handle<OpenFile> handle = files.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      reply.target(size, vector);
      int done = 0;
      while (done < size) {
        long count = handle.opened().read(vector, offset + done);
        if (count <= 0) {
          return count < 0 ? (int) count : done;
        }
        vector.advance(count);
        done += (int) count;
      }
      return done;
    } finally {
      files.done(handle);
    }
  }

  private static boolean isBad(long offset, int size) {
    return Integer.compareUnsigned(size, MountRequests.MAX_WRITE_BYTES) > 0
        || offset < 0
        || offset > Long.MAX_VALUE - size;
  }

  /**
   * {@code struct fuse_write_in}, see {@link #read}, and the data. Where the guest believes the end
   * to be may have become the middle: what is appended goes to the end, as the guest's kernel
   * trusts that it does. Pages of its cache go to their offset.
   */
  int write() throws GuestFault {
    int size = request.u32(16);
    long offset = request.u64(8);
    if (isBad(offset, size) || size > request.bodyBytes() - 40) {
      return -Errno.EINVAL;
    }
    Handle<OpenFile> handle = files.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      request.data(40, size, vector);
      boolean appends =
          (request.u32(32) & OPEN_APPEND) != 0 && (request.u32(20) & WRITE_CACHE) == 0;
      int done = 0;
      while (done < size) {
        OpenFile file = handle.opened();
        long count = appends ? file.append(vector) : file.write(vector, offset + done);
        if (count < 0 && done == 0) {
          return (int) count;
        }
        if (count <= 0) {
          break; // the guest asks again for the rest, and hears the error then
        }
        vector.advance(count);
        done += (int) count;
      }
      reply.u32(done);
      reply.u32(0);
      return reply.staged();
    } finally {
      files.done(handle);
    }
  }

  /** {@code struct fuse_release_in { u64 fh; u32 flags, release_flags; u64 lock_owner; }}. */
  int release() {
    return files.release(request.u64(0), request.node()) ? 0 : -Errno.EBADF;
  }

  /**
   * {@code struct fuse_fsync_in { u64 fh; u32 fsync_flags, padding; }}. A guest that can't write
   * has nothing to be put on stable storage; what it would wait for is the host's.
   */
  int fsync() {
    Handle<OpenFile> handle = files.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      if (session.policy().readOnly()) {
        return 0;
      }
      return Math.min(handle.opened().sync((request.u32(8) & FSYNC_DATA_ONLY) != 0), 0);
    } finally {
      files.done(handle);
    }
  }

  /** {@code struct fuse_fallocate_in { u64 fh, offset, length; u32 mode, padding; }}. */
  int fallocate() {
    long offset = request.u64(8);
    long length = request.u64(16);
    if (offset < 0 || length <= 0) {
      return -Errno.EINVAL;
    }
    if (offset > Long.MAX_VALUE - length) {
      return -Errno.EFBIG;
    }
    int mode = request.u32(24);
    switch (mode) {
      case 0:
      case FileMode.ALLOCATE_KEEP_SIZE:
      case FileMode.ALLOCATE_PUNCH_HOLE | FileMode.ALLOCATE_KEEP_SIZE:
      case FileMode.ALLOCATE_ZERO_RANGE:
      case FileMode.ALLOCATE_ZERO_RANGE | FileMode.ALLOCATE_KEEP_SIZE:
        break;
      default:
        return -Errno.EOPNOTSUPP;
    }
    Handle<OpenFile> handle = files.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      return Math.min(handle.opened().allocate(mode, offset, length), 0);
    } finally {
      files.done(handle);
    }
  }

  /** {@code struct fuse_lseek_in { u64 fh, offset; u32 whence, padding; }}. */
  int lseek() {
    long offset = request.u64(8);
    int whence = request.u32(16);
    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
      return -Errno.EINVAL;
    }
    if (offset < 0) {
      return -Errno.ENXIO;
    }
    Handle<OpenFile> handle = files.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      long found = handle.opened().seek(offset, whence == SEEK_HOLE);
      if (found < 0) {
        return (int) found;
      }
      reply.u64(found);
      return reply.staged();
    } finally {
      files.done(handle);
    }
  }

  /**
   * Answers with what was copied, which the guest takes from there on.
   *
   * <pre>
   * struct fuse_copy_file_range_in {   offset
   *   u64 fh_in, off_in;                    0
   *   u64 nodeid_out, fh_out, off_out;     16
   *   u64 len, flags;                      40
   * };
   * </pre>
   */
  int copyFileRange() {
    long from = request.u64(8);
    long to = request.u64(32);
    long length = Math.min(request.u64(40), MAX_COPY_BYTES);
    if (request.u64(40) < 0) {
      length = MAX_COPY_BYTES; // unsigned
    }
    boolean overflow = from > Long.MAX_VALUE - length || to > Long.MAX_VALUE - length;
    if (request.u64(48) != 0 || from < 0 || to < 0 || overflow) {
      return -Errno.EINVAL;
    }
    if (request.node() == request.u64(16) && Math.abs(from - to) < length) {
      return -Errno.EINVAL;
    }
    Handle<OpenFile> source = files.use(request.u64(0), request.node());
    if (source == null) {
      return -Errno.EBADF;
    }
    try {
      Handle<OpenFile> target = files.use(request.u64(24), request.u64(16));
      if (target == null) {
        return -Errno.EBADF;
      }
      try {
        long copied = length == 0 ? 0 : source.opened().copyTo(from, target.opened(), to, length);
        if (copied < 0) {
          return (int) copied;
        }
        reply.u32((int) copied);
        reply.u32(0);
        return reply.staged();
      } finally {
        files.done(target);
      }
    } finally {
      files.done(source);
    }
  }
}
