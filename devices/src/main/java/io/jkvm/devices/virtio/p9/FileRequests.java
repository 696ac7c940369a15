// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.p9.session.Place;

/** Requests that open files and directories, and those about files that are open. */
final class FileRequests {
  /** O_DIRECTORY. */
  private static final int DIRECTORY = 0x1_0000;

  /** The bit that O_SYNC has besides that of O_DSYNC. */
  private static final int SYNC_BIT = OpenFlags.SYNC & ~OpenFlags.DATA_SYNC;

  /** Bytes of RREAD's count, before the data. */
  private static final int COUNT_BYTES = 4;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final XattrRequests xattrs;
  private final IoVector vector;
  private final Caller caller = new Caller();
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final FileAttributes entry = new FileAttributes();
  private final OpenResult result = new OpenResult();

  FileRequests(
      P9Session session, P9Request request, P9Reply reply, XattrRequests xattrs, int queueSize) {
    this.session = session;
    this.request = request;
    this.reply = reply;
    this.xattrs = xattrs;
    vector = new IoVector(queueSize);
  }

  /** {@code fid[4] flags[4]}, answered with {@code qid[13] iounit[4]}. */
  int lopen() throws GuestFault {
    Fid fid = session.file(request.u32());
    int flags = request.u32();
    int error = checkOpen(fid, flags);
    if (error < 0) {
      return error;
    }
    if (session.policy().readOnly() && OpenFlags.writes(flags)) {
      return -Errno.EROFS;
    }
    error = fid.place().isDirectory() ? openDirectory(fid, flags) : openFile(fid, flags);
    return error < 0 ? error : opened(fid);
  }

  private int checkOpen(Fid fid, int flags) {
    if (fid == null) {
      return -Errno.EBADF;
    }
    if (!fid.isPlain() || (flags & OpenFlags.ACCESS_MODE) == OpenFlags.ACCESS_MODE) {
      return -Errno.EINVAL;
    }
    return session.isOpenFull() ? -Errno.EMFILE : 0;
  }

  private int openDirectory(Fid fid, int flags) {
    if (OpenFlags.writes(flags)) {
      return -Errno.EISDIR;
    }
    int error = session.tree().openDirectory(fid.node(), result);
    if (error < 0) {
      return error;
    }
    session.opened(fid, result.takeDirectory());
    return 0;
  }

  private int openFile(Fid fid, int flags) {
    if ((flags & DIRECTORY) != 0) {
      return -Errno.ENOTDIR;
    }
    int error = session.tree().open(caller(fid, 0), fid.node(), flags(flags), result);
    if (error < 0) {
      return error;
    }
    session.opened(fid, result.takeFile());
    return 0;
  }

  private Caller caller(Fid fid, int gid) {
    caller.uid = fid.uid();
    caller.gid = gid;
    return caller;
  }

  /** An iounit of 0: the client takes what fits a message. */
  private int opened(Fid fid) {
    reply.qid(fid.place().type(), fid.place().inode());
    reply.u32(0);
    return reply.staged();
  }

  /**
   * What a tree may see of a guest's flags. Not O_APPEND: the guest's kernel knows the end, and its
   * writes of mapped pages have their own places. Neither O_DIRECT nor O_NOATIME, which the host
   * may refuse.
   */
  private static int flags(int flags) {
    int sync = (flags & SYNC_BIT) != 0 ? OpenFlags.SYNC : flags & OpenFlags.DATA_SYNC;
    return flags & (OpenFlags.ACCESS_MODE | OpenFlags.TRUNCATE) | sync;
  }

  /**
   * {@code fid[4] name[s] flags[4] mode[4] gid[4]}, answered with {@code qid[13] iounit[4]}. The
   * directory's fid becomes the file's.
   */
  int lcreate() throws GuestFault {
    Fid fid = session.file(request.u32());
    int error = request.component(name);
    if (fid == null || error < 0) {
      return fid == null ? -Errno.EBADF : error;
    }
    final int flags = request.u32();
    final int mode = request.u32();
    final int gid = request.u32();
    int type = mode & FileMode.TYPE;
    if (!request.isWhole() || type != 0 && type != FileMode.REGULAR) {
      return -Errno.EINVAL;
    }
    error = checkOpen(fid, flags);
    if (error < 0) {
      return error;
    }
    if (!fid.place().isDirectory()) {
      return -Errno.ENOTDIR;
    }
    if (session.places().isFull()) {
      return -Errno.ENFILE;
    }
    return create(fid, flags(flags) | flags & OpenFlags.EXCLUSIVE, mode, gid);
  }

  private int create(Fid fid, int flags, int mode, int gid) {
    int permissions = AttributeRequests.permissions(session.policy(), mode, false);
    int error =
        session
            .tree()
            .create(caller(fid, gid), fid.node(), name, permissions, flags, entry, result);
    if (error < 0) {
      return error;
    }
    OpenFile file = result.takeFile();
    Place place = session.places().enter(fid.place(), name, entry);
    if (place == null) {
      file.close();
      return -Errno.ENFILE;
    }
    session.move(fid, place);
    session.opened(fid, file);
    return opened(fid);
  }

  /**
   * {@code fid[4] offset[8] count[4]}, answered with {@code count[4] data[count]}. A short answer
   * would mean the end of the file, so the file is read until there is no more.
   */
  int read() throws GuestFault {
    Fid fid = session.fids().get(request.u32());
    long offset = request.u64();
    int size = request.u32();
    if (fid == null) {
      return -Errno.EBADF;
    }
    if (isBad(offset, size, reply.room() - COUNT_BYTES)) {
      return -Errno.EINVAL;
    }
    if (fid.attribute() != null) {
      return xattrs.read(fid.attribute(), offset, size);
    }
    if (fid.file() == null) {
      return fid.place().isDirectory() ? -Errno.EISDIR : -Errno.EBADF;
    }
    reply.target(COUNT_BYTES, size, vector);
    int done = 0;
    while (done < size) {
      long count = fid.file().read(vector, offset + done);
      if (count < 0) {
        return (int) count;
      }
      if (count == 0) {
        break;
      }
      vector.advance(count);
      done += (int) count;
    }
    reply.u32(done);
    return COUNT_BYTES + done;
  }

  private static boolean isBad(long offset, int size, long limit) {
    return size < 0 || size > limit || offset < 0 || offset > Long.MAX_VALUE - size;
  }

  /** {@code fid[4] offset[8] count[4] data[count]}, answered with {@code count[4]}. */
  int write() throws GuestFault {
    Fid fid = session.fids().get(request.u32());
    long offset = request.u64();
    int size = request.u32();
    if (fid == null) {
      return -Errno.EBADF;
    }
    if (isBad(offset, size, request.remaining())) {
      return -Errno.EINVAL;
    }
    if (fid.attribute() != null) {
      return xattrs.write(fid.attribute(), offset, size);
    }
    if (fid.file() == null) {
      return -Errno.EBADF;
    }
    request.data(size, vector);
    int done = 0;
    while (done < size) {
      long count = fid.file().write(vector, offset + done);
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
    return reply.staged();
  }

  /**
   * {@code fid[4] datasync[4]}. A guest that can't write has nothing to be put on stable storage;
   * what it would wait for is the host's.
   */
  int fsync() throws GuestFault {
    Fid fid = session.file(request.u32());
    boolean dataOnly = request.u32() != 0;
    if (fid == null || fid.isPlain()) {
      return -Errno.EBADF;
    }
    if (session.policy().readOnly()) {
      return 0;
    }
    int error = fid.file() != null ? fid.file().sync(dataOnly) : fid.directory().sync(dataOnly);
    return Math.min(error, 0);
  }
}
