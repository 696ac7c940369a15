// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.files.DirectoryEntries;
import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/**
 * An open directory of the host's. Its entries are read into memory of the thread that asks for
 * them, so that a guest can have very many open; a thread that has something else there reads on
 * from the last cookie, which is the host's own (d_off).
 */
final class HostDirectory implements OpenDirectory {
  private final ThreadLocal<HostThread> threads;
  private final HostNodes nodes;
  private final int descriptor;
  private final long device;
  private final long shown;
  private final boolean root;

  /** Where the next entry is; the entry before is at {@link #before}. */
  private long position;

  private long before;

  /** The entry before is to be given again. */
  private boolean again;

  /** Whose memory has what the descriptor gave last. */
  private HostThread reader;

  /**
   * An open directory.
   *
   * @param descriptor closed with it, and given back, as it was taken
   */
  HostDirectory(
      ThreadLocal<HostThread> threads, HostNodes nodes, HostNode directory, int descriptor) {
    this.threads = threads;
    this.nodes = nodes;
    this.descriptor = descriptor;
    device = directory.device();
    shown = directory.shown();
    root = directory == nodes.root();
  }

  @Override
  public int seek(long cookie) {
    HostThread thread = threads.get();
    boolean here = has(thread) && cookie != 0;
    if (here && cookie == position) {
      return 0;
    }
    again = here && cookie == before && thread.entries.nameLength() > 0;
    if (!again) {
      reader = null;
    }
    position = cookie;
    return 0;
  }

  private boolean has(HostThread thread) {
    return reader == thread && thread.listing == this;
  }

  @Override
  public int next(DirectoryEntry entry) {
    HostThread thread = threads.get();
    DirectoryEntries entries = thread.entries;
    if (again && has(thread)) {
      again = false;
    } else {
      int result = advance(thread);
      if (result <= 0) {
        return result;
      }
      before = position;
    }
    position = entries.offset();
    boolean parent = entries.isDotOrDotDot() && entries.nameLength() == 2;
    long inode = root && parent ? shown : nodes.guessShown(device, entries.inode());
    entry.name(entries.buffer(), entries.nameAt(), entries.nameLength());
    entry.place(inode, position == 0 ? Long.MAX_VALUE : position, entries.type());
    return 1;
  }

  /** Goes on to the next entry in the thread's memory. */
  private int advance(HostThread thread) {
    again = false;
    DirectoryEntries entries = thread.entries;
    if (!has(thread)) {
      thread.listing = null;
      entries.clear();
      long result = FileDataIo.seek(descriptor, position, FileDataIo.SEEK_SET);
      if (result < 0) {
        return (int) result;
      }
      thread.listing = this;
      reader = thread;
    }
    if (entries.next()) {
      return 1;
    }
    int result = entries.fill(descriptor);
    if (result <= 0) {
      reader = null;
      return result;
    }
    return entries.next() ? 1 : entries.fill(descriptor);
  }

  @Override
  public int sync(boolean dataOnly) {
    return dataOnly ? FileDataIo.fdatasync(descriptor) : FileDataIo.fsync(descriptor);
  }

  @Override
  public void close() {
    HandleIo.close(descriptor);
    nodes.allotment().giveBack();
  }
}
