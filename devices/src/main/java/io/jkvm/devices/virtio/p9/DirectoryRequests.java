// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;

/** TREADDIR. */
final class DirectoryRequests {
  /** Bytes of the count, before the entries. */
  private static final int COUNT_BYTES = 4;

  /** An entry without the name: {@code qid[13] offset[8] type[1] length[2]}. */
  private static final int ENTRY_BYTES = P9Reply.QID_BYTES + 11;

  /** From {@code d_type} to the type in a mode. */
  private static final int TYPE_SHIFT = 12;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final DirectoryEntry entry = new DirectoryEntry();

  DirectoryRequests(P9Session session, P9Request request, P9Reply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /**
   * {@code fid[4] offset[8] count[4]}, answered with {@code count[4]} and whole entries {@code
   * qid[13] offset[8] type[1] name[s]}. No bytes at all are the end of the directory.
   */
  int readdir() throws GuestFault {
    Fid fid = session.file(request.u32());
    long cookie = request.u64();
    int size = request.u32();
    if (fid == null || fid.directory() == null) {
      return fid == null || fid.place().isDirectory() ? -Errno.EBADF : -Errno.ENOTDIR;
    }
    if (size < 0 || size > reply.room() - COUNT_BYTES) {
      return -Errno.EINVAL;
    }
    int error = fid.directory().seek(cookie);
    if (error < 0) {
      return error;
    }
    int used = fill(fid.directory(), size);
    if (used < 0) {
      return used;
    }
    reply.u32(used);
    return COUNT_BYTES + used;
  }

  private int fill(OpenDirectory directory, int size) throws GuestFault {
    int used = 0;
    while (true) {
      int more = directory.next(entry);
      if (more <= 0) {
        return more < 0 && used == 0 ? more : used;
      }
      if (ENTRY_BYTES + entry.nameLength() > size - used) {
        return used == 0 ? -Errno.EINVAL : used;
      }
      int at = COUNT_BYTES + used;
      reply.qid(entry.type() << TYPE_SHIFT, entry.inode());
      reply.u64(entry.cookie());
      reply.u8(entry.type());
      reply.u16(entry.nameLength());
      reply.writeStaged(at);
      reply.write(at + ENTRY_BYTES, entry.buffer(), entry.nameAt(), entry.nameLength());
      used += ENTRY_BYTES + entry.nameLength();
    }
  }
}
