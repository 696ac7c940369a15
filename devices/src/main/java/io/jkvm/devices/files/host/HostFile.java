// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.files.FileDataIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;
import io.jkvm.devices.files.host.nodes.OpenDescriptor;

/** An open file of the host's; its data goes from and to the guest's RAM in place. */
final class HostFile implements OpenFile {
  private static final int ALLOCATIONS =
      FileMode.ALLOCATE_KEEP_SIZE | FileMode.ALLOCATE_PUNCH_HOLE | FileMode.ALLOCATE_ZERO_RANGE;

  private final ThreadLocal<HostThread> threads;
  private final HostNodes nodes;
  private final OpenDescriptor file;
  private final int descriptor;
  private final long node;
  private final long shown;
  private final boolean writes;

  /**
   * An open file.
   *
   * @param nodes whose descriptors one was taken of; given back with it
   * @param descriptor closed with it
   * @param shown inode number of the node
   */
  HostFile(
      ThreadLocal<HostThread> threads,
      HostNodes nodes,
      int descriptor,
      long node,
      long shown,
      int flags) {
    this.threads = threads;
    this.nodes = nodes;
    this.descriptor = descriptor;
    this.node = node;
    file = nodes.opened(node, descriptor);
    this.shown = shown;
    writes = (flags & OpenFlags.ACCESS_MODE) != OpenFlags.READ_ONLY;
  }

  int descriptor() {
    return descriptor;
  }

  boolean writes() {
    return writes;
  }

  @Override
  public long read(IoVector target, long offset) {
    return FileDataIo.preadv(descriptor, target, offset, 0);
  }

  /**
   * Before anything that writes: the kernel takes set-ID bits only for a thread that has given
   * CAP_FSETID up, which may have done nothing here yet.
   */
  private void beOfGuest() {
    threads.get();
  }

  @Override
  public long write(IoVector source, long offset) {
    beOfGuest();
    return FileDataIo.pwritev(descriptor, source, offset, 0);
  }

  @Override
  public long append(IoVector source) {
    beOfGuest();
    return FileDataIo.pwritev(descriptor, source, 0, FileDataIo.RWF_APPEND);
  }

  @Override
  public int attributes(FileAttributes attributes) {
    HostThread thread = threads.get();
    int result = thread.stat.read(descriptor, 0, HostNodes.MASK);
    if (result == 0) {
      HostAttributes.fill(thread.stat, node, shown, attributes);
    }
    return result;
  }

  @Override
  public int sync(boolean dataOnly) {
    return dataOnly ? FileDataIo.fdatasync(descriptor) : FileDataIo.fsync(descriptor);
  }

  @Override
  public int allocate(int mode, long offset, long length) {
    if ((mode & ~ALLOCATIONS) != 0) {
      return -Errno.EOPNOTSUPP;
    }
    beOfGuest();
    return FileDataIo.fallocate(descriptor, mode, offset, length);
  }

  @Override
  public long seek(long offset, boolean hole) {
    int whence = hole ? FileDataIo.SEEK_HOLE : FileDataIo.SEEK_DATA;
    return FileDataIo.seek(descriptor, offset, whence);
  }

  @Override
  public long copyTo(long offset, OpenFile target, long targetOffset, long length) {
    return FileDataIo.copyFileRange(
        descriptor,
        offset,
        ((HostFile) target).descriptor,
        targetOffset,
        length,
        threads.get().scratch);
  }

  @Override
  public void close() {
    nodes.closing(node, file);
    HandleIo.close(descriptor);
    nodes.allotment().giveBack();
  }
}
