// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.OpenFlags;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Requests about extended attributes. The guest sees those of {@code user.}, and a file's
 * capabilities, which it can't set. All others are the host's: a label of its security module would
 * keep the guest from copying a file, an access control list would name the host's users.
 */
final class XattrRequests {
  /** The longest value, and the longest list of names: XATTR_SIZE_MAX. */
  private static final int MAX_BYTES = 65_536;

  private static final byte[] USER = "user.".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] CAPABILITY =
      "security.capability\0".getBytes(StandardCharsets.US_ASCII);

  /** {@code struct fuse_getxattr_out}. */
  private static final int SIZE_BYTES = 8;

  private final FuseSession session;
  private final FuseRequest request;
  private final FuseReply reply;
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final NativeMemory value = new NativeMemory(MAX_BYTES);

  XattrRequests(FuseSession session, FuseRequest request, FuseReply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /** The guest's kernel remembers ENOSYS and does not ask again. */
  private boolean none() {
    return !session.policy().extendedAttributes() || !session.tree().hasExtendedAttributes();
  }

  /**
   * Takes the name.
   *
   * @return where the next thing begins; EOPNOTSUPP negated for a name that is not the guest's
   */
  private int readName(int offset, boolean changes) throws GuestFault {
    int next = request.text(offset, name);
    if (next < 0) {
      return next;
    }
    boolean visible =
        request.startsWith(offset, USER) || !changes && request.startsWith(offset, CAPABILITY);
    return visible ? next : -Errno.EOPNOTSUPP;
  }

  /** {@code struct fuse_setxattr_in { u32 size, flags; }}, the name and the value. */
  int setxattr() throws GuestFault {
    if (none()) {
      return -Errno.ENOSYS;
    }
    int next = readName(8, true);
    if (next < 0) {
      return next;
    }
    int size = request.u32(0);
    int flags = request.u32(4);
    if (Integer.compareUnsigned(size, MAX_BYTES) > 0) {
      return -Errno.E2BIG;
    }
    if (size > request.bodyBytes() - next
        || flags != 0 && flags != OpenFlags.XATTR_CREATE && flags != OpenFlags.XATTR_REPLACE) {
      return -Errno.EINVAL;
    }
    request.data(next, value, size);
    return Math.min(
        session.tree().setExtendedAttribute(request.node(), name, value, size, flags), 0);
  }

  /** {@code struct fuse_getxattr_in { u32 size, padding; }} and the name. */
  int getxattr() throws GuestFault {
    if (none()) {
      return -Errno.ENOSYS;
    }
    int next = readName(8, false);
    if (next < 0) {
      return next;
    }
    int size = size();
    if (size < 0) {
      return size;
    }
    int length = session.tree().extendedAttribute(request.node(), name, value, size);
    return value(size, length);
  }

  /** How much of the value the guest has room for; 0 if it only wants to know its length. */
  private int size() {
    int size = request.u32(0);
    int needed = size == 0 ? SIZE_BYTES : size;
    if (Integer.toUnsignedLong(needed) > reply.room()) {
      return -Errno.EINVAL;
    }
    return Integer.compareUnsigned(size, MAX_BYTES) > 0 ? MAX_BYTES : size;
  }

  private int value(int size, int length) throws GuestFault {
    if (length < 0) {
      return length;
    }
    if (size == 0) {
      reply.u32(length);
      reply.u32(0);
      return reply.staged();
    }
    if (length > size) {
      return -Errno.ERANGE;
    }
    reply.write(0, value.buffer(), 0, length);
    return length;
  }

  /** {@code struct fuse_getxattr_in}. */
  int listxattr() throws GuestFault {
    if (none()) {
      return -Errno.ENOSYS;
    }
    int size = size();
    if (size < 0) {
      return size;
    }
    int length = session.tree().extendedAttributeNames(request.node(), value, MAX_BYTES);
    return value(size, length < 0 ? length : keepVisible(length));
  }

  /** Leaves out the names that are not the guest's; returns the length of the others. */
  private int keepVisible(int length) {
    ByteBuffer names = value.buffer();
    int kept = 0;
    for (int at = 0; at < length; ) {
      int end = at;
      while (end < length && names.get(end) != 0) {
        end++;
      }
      end = Math.min(end + 1, length);
      if (startsWith(names, at, end, USER) || startsWith(names, at, end, CAPABILITY)) {
        for (int i = at; i < end; i++) {
          names.put(kept, names.get(i));
          kept++;
        }
      }
      at = end;
    }
    return kept;
  }

  private static boolean startsWith(ByteBuffer bytes, int from, int end, byte[] prefix) {
    if (end - from < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (bytes.get(from + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  int removexattr() throws GuestFault {
    if (none()) {
      return -Errno.ENOSYS;
    }
    int next = readName(0, true);
    return next < 0
        ? next
        : Math.min(session.tree().removeExtendedAttribute(request.node(), name), 0);
  }
}
