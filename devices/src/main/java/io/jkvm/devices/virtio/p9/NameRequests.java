// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.p9.session.Place;

/** Requests that make, link, rename and remove names, and TREADLINK. */
final class NameRequests {
  private static final int AT_REMOVEDIR = 0x200;
  private static final int MAJOR_LIMIT = 1 << 12;
  private static final int MINOR_LIMIT = 1 << 20;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final Caller caller = new Caller();
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final NativeName otherName = new NativeName(NativeName.NAME_MAX);
  private final NativeName target = new NativeName(NativeName.PATH_BYTES);
  private final NativeMemory linkText = new NativeMemory(NativeName.PATH_BYTES + 1);
  private final FileAttributes entry = new FileAttributes();

  NameRequests(P9Session session, P9Request request, P9Reply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /** {@code fid[4]}, answered with {@code target[s]}. */
  int readlink() throws GuestFault {
    Fid fid = session.file(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    int length = session.tree().readLink(fid.node(), linkText);
    if (length < 0) {
      return length;
    }
    if (length > reply.room() - 2 || length > NativeName.PATH_BYTES) {
      return -Errno.ENAMETOOLONG;
    }
    reply.write(2, linkText.buffer(), 0, length);
    reply.u16(length);
    return 2 + length;
  }

  private Caller caller(Fid fid, int gid) {
    caller.uid = fid.uid();
    caller.gid = gid;
    return caller;
  }

  /** The answer is {@code qid[13]} of what was made, which no fid stands for. */
  private int made(int result) {
    if (result < 0) {
      return result;
    }
    session.tree().forget(entry.node, 1);
    reply.qid(entry.mode, entry.inode);
    return reply.staged();
  }

  /** {@code fid[4] name[s] symtgt[s] gid[4]}. */
  int symlink() throws GuestFault {
    Fid directory = session.file(request.u32());
    if (directory == null) {
      return -Errno.EBADF;
    }
    int error = request.component(name);
    if (error == 0) {
      error = request.text(target);
    }
    if (error < 0) {
      return error;
    }
    int gid = request.u32();
    if (!request.isWhole() || target.length() == 0) {
      return -Errno.EINVAL;
    }
    return made(
        session
            .tree()
            .makeSymbolicLink(caller(directory, gid), directory.node(), name, target, entry));
  }

  /** {@code dfid[4] name[s] mode[4] major[4] minor[4] gid[4]}. */
  int mknod() throws GuestFault {
    Fid directory = session.file(request.u32());
    if (directory == null) {
      return -Errno.EBADF;
    }
    int error = request.component(name);
    if (error < 0) {
      return error;
    }
    final int mode = request.u32();
    final int major = request.u32();
    final int minor = request.u32();
    final int gid = request.u32();
    if (!request.isWhole()) {
      return -Errno.EINVAL;
    }
    int type = mode & FileMode.TYPE;
    int device = 0;
    switch (type) {
      case 0:
        type = FileMode.REGULAR;
        break;
      case FileMode.REGULAR:
      case FileMode.FIFO:
      case FileMode.SOCKET:
        break;
      case FileMode.CHARACTER_DEVICE:
      case FileMode.BLOCK_DEVICE:
        if (!session.policy().devices()) {
          return -Errno.EPERM;
        }
        if (Integer.compareUnsigned(major, MAJOR_LIMIT) >= 0
            || Integer.compareUnsigned(minor, MINOR_LIMIT) >= 0) {
          return -Errno.EINVAL;
        }
        device = minor & 0xff | major << 8 | (minor & ~0xff) << 12;
        break;
      default:
        return -Errno.EINVAL;
    }
    int all = type | AttributeRequests.permissions(session.policy(), mode, false);
    return made(
        session
            .tree()
            .makeNode(caller(directory, gid), directory.node(), name, all, device, entry));
  }

  /** {@code dfid[4] name[s] mode[4] gid[4]}. */
  int mkdir() throws GuestFault {
    Fid directory = session.file(request.u32());
    if (directory == null) {
      return -Errno.EBADF;
    }
    int error = request.component(name);
    if (error < 0) {
      return error;
    }
    int mode = AttributeRequests.permissions(session.policy(), request.u32(), true);
    int gid = request.u32();
    if (!request.isWhole()) {
      return -Errno.EINVAL;
    }
    return made(
        session.tree().makeDirectory(caller(directory, gid), directory.node(), name, mode, entry));
  }

  /** {@code dfid[4] fid[4] name[s]}. */
  int link() throws GuestFault {
    Fid directory = session.file(request.u32());
    Fid fid = session.file(request.u32());
    if (directory == null || fid == null) {
      return -Errno.EBADF;
    }
    int error = request.component(name);
    if (error == 0) {
      error = session.tree().link(fid.node(), directory.node(), name, entry);
    }
    if (error < 0) {
      return error;
    }
    session.tree().forget(entry.node, 1);
    return 0;
  }

  /** {@code fid[4] dfid[4] name[s]}. */
  int rename() throws GuestFault {
    Fid fid = session.file(request.u32());
    Fid newDirectory = session.file(request.u32());
    if (fid == null || newDirectory == null) {
      return -Errno.EBADF;
    }
    int error = request.component(otherName);
    if (error == 0) {
      error = session.places().findName(fid.place(), name);
    }
    return error < 0 ? error : rename(fid.place().directory(), newDirectory.place());
  }

  /** {@code olddirfid[4] oldname[s] newdirfid[4] newname[s]}. */
  int renameat() throws GuestFault {
    Fid directory = session.file(request.u32());
    int error = request.component(name);
    if (directory == null || error < 0) {
      return directory == null ? -Errno.EBADF : error;
    }
    int newNumber = request.u32();
    error = request.component(otherName);
    Fid newDirectory = session.file(newNumber);
    if (newDirectory == null || error < 0) {
      return error < 0 ? error : -Errno.EBADF;
    }
    return rename(directory.place(), newDirectory.place());
  }

  private int rename(Place directory, Place newDirectory) {
    int error = session.tree().rename(directory.node(), name, newDirectory.node(), otherName, 0);
    if (error < 0) {
      return error;
    }
    session.places().renamed(directory, name, newDirectory, otherName);
    return 0;
  }

  /** {@code dirfd[4] name[s] flags[4]}. */
  int unlinkat() throws GuestFault {
    Fid directory = session.file(request.u32());
    if (directory == null) {
      return -Errno.EBADF;
    }
    int error = request.component(name);
    if (error < 0) {
      return error;
    }
    int flags = request.u32();
    if (!request.isWhole() || (flags & ~AT_REMOVEDIR) != 0) {
      return -Errno.EINVAL;
    }
    error =
        flags == 0
            ? session.tree().unlink(directory.node(), name)
            : session.tree().removeDirectory(directory.node(), name);
    if (error < 0) {
      return error;
    }
    session.places().removed(directory.place(), name);
    return 0;
  }
}
