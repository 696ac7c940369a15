// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.virtio.fs.HandleTable.Handle;

/** Requests about directories that are open, and OPENDIR. */
final class DirectoryRequests {
  /** FOPEN_KEEP_CACHE and FOPEN_CACHE_DIR. */
  private static final int CACHE_FLAGS = 1 << 1 | 1 << 3;

  private static final int FSYNC_DATA_ONLY = 1;

  /** {@code struct fuse_dirent} without the name, which is padded to a multiple of 8 with it. */
  private static final int DIRENT_BYTES = 24;

  private static final int ALIGNMENT = 8;

  private final FuseSession session;
  private final HandleTable<OpenDirectory> directories;
  private final FuseRequest request;
  private final FuseReply reply;
  private final DirectoryEntry entry = new DirectoryEntry();
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final FileAttributes attributes = new FileAttributes();
  private final OpenResult result = new OpenResult();

  DirectoryRequests(FuseSession session, FuseRequest request, FuseReply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
    directories = session.directories();
  }

  int opendir() {
    if (!directories.reserve()) {
      return -Errno.EMFILE;
    }
    boolean opened = false;
    try {
      int error = session.tree().openDirectory(request.node(), result);
      if (error < 0) {
        return error;
      }
      opened = true;
    } finally {
      if (!opened) {
        directories.cancel();
      }
    }
    long handle = directories.add(result.takeDirectory(), request.node());
    reply.open(handle, session.policy().keepsContent() ? CACHE_FLAGS : 0);
    return reply.staged();
  }

  int releasedir() {
    return directories.release(request.u64(0), request.node()) ? 0 : -Errno.EBADF;
  }

  /** As {@link FileRequests#fsync}. */
  int fsyncdir() {
    Handle<OpenDirectory> handle = directories.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      if (session.policy().readOnly()) {
        return 0;
      }
      synchronized (handle) {
        return Math.min(handle.opened().sync((request.u32(8) & FSYNC_DATA_ONLY) != 0), 0);
      }
    } finally {
      directories.done(handle);
    }
  }

  /**
   * READDIR, or READDIRPLUS, which is a LOOKUP of each name besides. Entries that do not fit are
   * not looked up. The request is {@code struct fuse_read_in}.
   *
   * <pre>
   * struct fuse_direntplus {     offset
   *   struct fuse_entry_out;          0    READDIRPLUS only
   *   u64 ino, off;                 128
   *   u32 namelen, type;            144
   *   char name[];                  152    then zeroes
   * };
   * </pre>
   */
  int readdir(boolean plus) throws GuestFault {
    int size = request.u32(16);
    if (Integer.compareUnsigned(size, MountRequests.MAX_WRITE_BYTES) > 0 || size > reply.room()) {
      return -Errno.EINVAL;
    }
    Handle<OpenDirectory> handle = directories.use(request.u64(0), request.node());
    if (handle == null) {
      return -Errno.EBADF;
    }
    try {
      synchronized (handle) { // a guest's kernel reads one at a time, but another guest may not
        int error = handle.opened().seek(request.u64(8));
        return error < 0 ? error : fill(handle.opened(), size, plus);
      }
    } finally {
      directories.done(handle);
    }
  }

  private int fill(OpenDirectory directory, int size, boolean plus) throws GuestFault {
    int fixed = DIRENT_BYTES + (plus ? FuseReply.ENTRY_BYTES : 0);
    int used = 0;
    try {
      while (true) {
        int more = directory.next(entry);
        if (more <= 0) {
          return more < 0 && used == 0 ? more : used;
        }
        int length = fixed + entry.nameLength();
        int padded = length + ALIGNMENT - 1 & -ALIGNMENT;
        if (padded > size - used) {
          // Nothing at all would mean the end of the directory.
          return used == 0 ? -Errno.EINVAL : used;
        }
        put(used, plus, padded);
        used += padded;
      }
    } catch (RuntimeException e) {
      if (used == 0) {
        throw e;
      }
      // The guest must hear of the entries before, since each is a reference of its; it asks for
      // those behind again.
      session.defect(plus ? FuseOpcode.READDIRPLUS : FuseOpcode.READDIR, e);
      return used;
    }
  }

  private void put(int offset, boolean plus, int padded) throws GuestFault {
    long referred = plus ? lookup() : 0;
    int nameAt = DIRENT_BYTES + (plus ? FuseReply.ENTRY_BYTES : 0);
    boolean told = false;
    try {
      reply.write(offset + nameAt, entry.buffer(), entry.nameAt(), entry.nameLength());
      told = true;
    } finally {
      if (!told && referred != 0) {
        session.tree().forget(referred, 1);
      }
    }
    if (referred != 0) {
      reply.entry(attributes);
    } else if (plus) {
      reply.noEntry(false);
    }
    reply.u64(referred == 0 ? entry.inode() : attributes.inode);
    reply.u64(entry.cookie());
    reply.u32(entry.nameLength());
    reply.u32(entry.type());
    reply.writeStaged(offset);
    reply.zeroTo(padded - nameAt - entry.nameLength());
    reply.writeStaged(offset + nameAt + entry.nameLength());
  }

  /**
   * Takes a reference to what the entry is.
   *
   * @return the node; 0 if it can't be looked up: then it stays in the list, and is looked up when
   *     it is used
   */
  private long lookup() {
    int component = name.setComponent(entry.buffer(), entry.nameAt(), entry.nameLength());
    boolean found = component == 0 && session.tree().lookup(request.node(), name, attributes) >= 0;
    return found ? attributes.node : 0;
  }
}
