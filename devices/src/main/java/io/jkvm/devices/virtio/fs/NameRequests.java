// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFlags;

/**
 * Requests that find, make, link, rename and remove names. Every name goes through {@link
 * FuseRequest#component}; the node in the header is the directory.
 */
final class NameRequests {
  private final FuseSession session;
  private final FuseRequest request;
  private final FuseReply reply;
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final NativeName otherName = new NativeName(NativeName.NAME_MAX);
  private final NativeName target = new NativeName(NativeName.PATH_BYTES);
  private final NativeMemory linkText = new NativeMemory(NativeName.PATH_BYTES + 1);
  private final FileAttributes entry = new FileAttributes();

  NameRequests(FuseSession session, FuseRequest request, FuseReply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /** Never ENOSYS, which Linux takes for the end of the mount. */
  int lookup() throws GuestFault {
    int result = request.component(0, name);
    if (result < 0) {
      return result;
    }
    result = session.tree().lookup(request.node(), name, entry);
    if (result == -Errno.ENOENT && session.policy().keepsContent()) {
      reply.noEntry(true);
      return reply.staged();
    }
    return result == -Errno.ENOSYS ? -Errno.EIO : entry(result);
  }

  private int entry(int result) {
    if (result < 0) {
      return result;
    }
    reply.entry(entry);
    return reply.staged();
  }

  int readlink() throws GuestFault {
    int length = session.tree().readLink(request.node(), linkText);
    if (length > reply.room() || length > NativeName.PATH_BYTES) {
      return -Errno.EINVAL;
    }
    if (length > 0) {
      reply.write(0, linkText.buffer(), 0, length);
    }
    return length;
  }

  /** The name, then the target. */
  int symlink() throws GuestFault {
    int next = request.component(0, name);
    if (next < 0) {
      return next;
    }
    next = request.text(next, target);
    if (next < 0) {
      return next;
    }
    return entry(
        session.tree().makeSymbolicLink(request.caller(), request.node(), name, target, entry));
  }

  /** {@code struct fuse_mknod_in { u32 mode, rdev, umask, padding; }} and the name. */
  int mknod() throws GuestFault {
    int result = request.component(16, name);
    if (result < 0) {
      return result;
    }
    int type = request.u32(0) & FileMode.TYPE;
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
        device = request.u32(4);
        break;
      default:
        return -Errno.EINVAL;
    }
    int mode = type | AttributeRequests.permissions(session.policy(), request.u32(0), false);
    return entry(
        session.tree().makeNode(request.caller(), request.node(), name, mode, device, entry));
  }

  /** {@code struct fuse_mkdir_in { u32 mode, umask; }} and the name. */
  int mkdir() throws GuestFault {
    int result = request.component(8, name);
    if (result < 0) {
      return result;
    }
    int mode = AttributeRequests.permissions(session.policy(), request.u32(0), true);
    return entry(session.tree().makeDirectory(request.caller(), request.node(), name, mode, entry));
  }

  int unlink() throws GuestFault {
    int result = request.component(0, name);
    return result < 0 ? result : done(session.tree().unlink(request.node(), name));
  }

  int rmdir() throws GuestFault {
    int result = request.component(0, name);
    return result < 0 ? result : done(session.tree().removeDirectory(request.node(), name));
  }

  private static int done(int result) {
    return Math.min(result, 0);
  }

  /** {@code struct fuse_rename_in { u64 newdir; }} and both names. */
  int rename() throws GuestFault {
    return rename(8, 0);
  }

  /** {@code struct fuse_rename2_in { u64 newdir; u32 flags, padding; }} and both names. */
  int rename2() throws GuestFault {
    int flags = request.u32(8);
    if (flags != 0 && flags != OpenFlags.RENAME_NOREPLACE && flags != OpenFlags.RENAME_EXCHANGE) {
      return -Errno.EINVAL;
    }
    return rename(16, flags);
  }

  private int rename(int namesAt, int flags) throws GuestFault {
    int next = request.component(namesAt, name);
    if (next < 0) {
      return next;
    }
    next = request.component(next, otherName);
    if (next < 0) {
      return next;
    }
    return done(session.tree().rename(request.node(), name, request.u64(0), otherName, flags));
  }

  /** {@code struct fuse_link_in { u64 oldnodeid; }} and the new name. */
  int link() throws GuestFault {
    int result = request.component(8, name);
    if (result < 0) {
      return result;
    }
    return entry(session.tree().link(request.u64(0), request.node(), name, entry));
  }
}
