// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.AttributeValue;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Requests about extended attributes, each of which is a fid of its own: TXATTRWALK makes one to be
 * read, TXATTRCREATE one to be written, whose TCLUNK sets it.
 *
 * <p>The guest sees those of {@code user.}, and a file's capabilities, which it can't set. All
 * others are the host's: a label of its security module would keep the guest from copying a file,
 * an access control list would name the host's users.
 */
final class XattrRequests {
  /** The longest value, and the longest list of names: XATTR_SIZE_MAX. */
  private static final int MAX_BYTES = 65_536;

  private static final String USER = "user.";
  private static final String CAPABILITY = "security.capability";
  private static final int COUNT_BYTES = 4;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final NativeMemory value = new NativeMemory(MAX_BYTES);

  XattrRequests(P9Session session, P9Request request, P9Reply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  private boolean none() {
    return !session.policy().extendedAttributes() || !session.tree().hasExtendedAttributes();
  }

  private static boolean isVisible(String attribute, boolean changes) {
    return attribute.startsWith(USER) || !changes && attribute.equals(CAPABILITY);
  }

  private String nameText() {
    return new String(name.bytes(), StandardCharsets.ISO_8859_1);
  }

  /**
   * {@code fid[4] newfid[4] name[s]}, answered with {@code size[8]}. An empty name is the list of
   * names.
   */
  int xattrwalk() throws GuestFault {
    Fid fid = session.file(request.u32());
    int newNumber = request.u32();
    if (fid == null) {
      return -Errno.EBADF;
    }
    int error = newNumber == MountRequests.NO_FID ? -Errno.EINVAL : request.text(name);
    if (error == 0) {
      error = session.checkNew(newNumber);
    }
    if (error < 0) {
      return error;
    }
    if (none()) {
      return -Errno.EOPNOTSUPP;
    }
    if (session.isAttributesFull()) {
      return -Errno.EMFILE;
    }
    int length = name.length() == 0 ? list(fid) : get(fid);
    if (length < 0) {
      return length;
    }
    ByteBuffer copy = ByteBuffer.allocate(length).put(0, value.buffer(), 0, length);
    Fid made = new Fid(newNumber, fid.uid(), session.places().hold(fid.place()));
    session.add(made);
    session.become(made, AttributeValue.read(copy));
    reply.u64(length);
    return reply.staged();
  }

  private int get(Fid fid) {
    return isVisible(nameText(), false)
        ? session.tree().extendedAttribute(fid.node(), name, value, MAX_BYTES)
        : -Errno.EOPNOTSUPP;
  }

  private int list(Fid fid) {
    int length = session.tree().extendedAttributeNames(fid.node(), value, MAX_BYTES);
    return length < 0 ? length : keepVisible(length);
  }

  /** Leaves out the names that are not the guest's; returns the length of the others. */
  private int keepVisible(int length) {
    byte[] names = new byte[length];
    value.buffer().get(0, names);
    String all = new String(names, StandardCharsets.ISO_8859_1);
    int kept = 0;
    for (int at = 0; at < length; ) {
      int end = all.indexOf('\0', at);
      if (end < 0) {
        break; // each name has a NUL behind it
      }
      if (isVisible(all.substring(at, end), false)) {
        value.buffer().put(kept, names, at, end + 1 - at);
        kept += end + 1 - at;
      }
      at = end + 1;
    }
    return kept;
  }

  /** {@code fid[4] name[s] attr_size[8] flags[4]}. The file's fid becomes the attribute's. */
  int xattrcreate() throws GuestFault {
    Fid fid = session.file(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    int error = request.text(name);
    if (error < 0) {
      return error;
    }
    long size = request.u64();
    int flags = request.u32();
    if (!request.isWhole()
        || name.length() == 0
        || !fid.isPlain()
        || flags != 0 && flags != OpenFlags.XATTR_CREATE && flags != OpenFlags.XATTR_REPLACE) {
      return -Errno.EINVAL;
    }
    if (none() || !isVisible(nameText(), true)) {
      return -Errno.EOPNOTSUPP;
    }
    if (size < 0 || size > MAX_BYTES) {
      return -Errno.E2BIG;
    }
    if (session.isAttributesFull()) {
      return -Errno.EMFILE;
    }
    session.become(fid, AttributeValue.written(nameText(), (int) size, flags));
    return 0;
  }

  /** A part of a value that is read; nothing beyond its end. */
  int read(AttributeValue attribute, long offset, int size) throws GuestFault {
    if (attribute.isWritten()) {
      return -Errno.EBADF;
    }
    int count = (int) Math.max(0, Math.min(size, attribute.size() - offset));
    if (count > 0) {
      reply.write(COUNT_BYTES, attribute.bytes(), (int) offset, count);
    }
    reply.u32(count);
    return COUNT_BYTES + count;
  }

  /** The next part of a value that is written. */
  int write(AttributeValue attribute, long offset, int size) throws GuestFault {
    if (!attribute.isWritten()) {
      return -Errno.EBADF;
    }
    if (offset != attribute.written()) {
      return -Errno.EINVAL;
    }
    if (size > attribute.size() - attribute.written()) {
      return -Errno.ENOSPC;
    }
    request.data(attribute.bytes(), attribute.written(), size);
    attribute.advance(size);
    reply.u32(size);
    return reply.staged();
  }

  /**
   * Sets what a fid that ends has written. Linux removes an attribute by replacing it with nothing.
   *
   * @return 0, also for a fid of any other kind; EINVAL negated if a part of the value is missing
   */
  int store(Fid fid) {
    AttributeValue attribute = fid.attribute();
    if (attribute == null || !attribute.isWritten()) {
      return 0;
    }
    int error =
        attribute.written() == attribute.size()
            ? name.set(attribute.name().getBytes(StandardCharsets.ISO_8859_1))
            : -Errno.EINVAL;
    if (error < 0) {
      return error;
    }
    int size = attribute.size();
    if (size == 0 && attribute.flags() == OpenFlags.XATTR_REPLACE) {
      return Math.min(session.tree().removeExtendedAttribute(fid.node(), name), 0);
    }
    value.buffer().put(0, attribute.bytes(), 0, size);
    error = session.tree().setExtendedAttribute(fid.node(), name, value, size, attribute.flags());
    return Math.min(error, 0);
  }
}
