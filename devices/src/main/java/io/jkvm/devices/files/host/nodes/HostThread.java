// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host.nodes;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.DirectoryEntries;
import io.jkvm.core.linux.files.ExtendedAttributes;
import io.jkvm.core.linux.files.FileTimes;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.core.linux.files.StatFs;
import io.jkvm.core.linux.files.Statx;
import io.jkvm.core.linux.files.ThreadFileAccess;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What one thread that serves a tree has for itself: structures for the kernel, what a search has
 * found, and handles that are to be closed when no lock is held.
 */
public final class HostThread {
  private static final int LIST_BYTES = 32 << 10;

  public final Statx stat = new Statx();
  public final StatFs fileSystem = new StatFs();
  public final HandleIo io = new HandleIo();
  public final FileTimes times = new FileTimes();
  public final ExtendedAttributes xattrs = new ExtendedAttributes();
  public final OpenHow how = new OpenHow(0, 0, 0);

  /** 32 bytes for any call. */
  public final NativeMemory scratch = new NativeMemory(32);

  /** Room for a name. */
  public final byte[] bytes = new byte[NativeName.NAME_MAX];

  /** The same. */
  public final ByteBuffer text = ByteBuffer.wrap(bytes);

  /** Entries of the directory that {@link #listing} is; a directory that is open has none. */
  public final DirectoryEntries entries = new DirectoryEntries(LIST_BYTES);

  /** Whose entries these are, or null. */
  public Object listing;

  /** Why there is no result: an errno, negated. */
  public int error;

  /** Number of the node that was looked up, as are the next three. */
  public long number;

  public long shown;
  public boolean special;
  public boolean nearlyFull;

  final NativeName stepName = new NativeName(NativeName.NAME_MAX);
  final ByteBuffer stepBytes = ByteBuffer.allocate(NativeName.NAME_MAX);
  HostNode[] chain = new HostNode[16];
  private int[] closing = new int[16];
  private int closingCount;
  private boolean hasUmask;

  private HostThread() {}

  /**
   * For the calling thread, which serves a guest. From whatever it writes to from now on the kernel
   * takes set-ID bits: a guest as whose root it writes would else make a set-user-ID program of the
   * host its own.
   *
   * @throws InternalError if this is not permitted: such a thread must not write
   */
  public static HostThread ofGuest() {
    HostThread thread = new HostThread();
    int result = ThreadFileAccess.dropFsetid(thread.scratch);
    if (result < 0) {
      throw new InternalError(
          "a thread that serves files can't give up CAP_FSETID: " + Errno.name(-result));
    }
    return thread;
  }

  /** For a thread that opens or closes a tree: it is its caller's, whose rights stay. */
  public static HostThread ofHost() {
    return new HostThread();
  }

  /**
   * Sees to it that modes of what this thread makes are those it asks for: from then on it has a
   * umask of its own, 0.
   *
   * @return 0, or an errno negated
   */
  public int ownUmask() {
    if (!hasUmask) {
      try {
        ThreadFileAccess.ownUmask(0);
      } catch (LinuxException e) {
        return -e.errno();
      }
      hasUmask = true;
    }
    return 0;
  }

  HostNode fail(int newError) {
    error = newError;
    return null;
  }

  void closeLater(int handle) {
    if (closingCount == closing.length) {
      closing = Arrays.copyOf(closing, 2 * closingCount);
    }
    closing[closingCount] = handle;
    closingCount++;
  }

  /** The last one of an inode without a name may take long. */
  void closeNow() {
    while (closingCount > 0) {
      closingCount--;
      HandleIo.close(closing[closingCount]);
    }
  }
}
