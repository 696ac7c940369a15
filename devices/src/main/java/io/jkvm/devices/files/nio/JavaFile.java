// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/** A file that is open. Several may share what they read and write: {@link JavaContent}. */
final class JavaFile implements OpenFile {
  private static final int COPY_BYTES = 64 << 10;

  private final JavaTree tree;
  private final JavaNode node;
  private final JavaContent content;
  private final boolean reads;
  private final boolean writes;
  private final boolean syncs;

  /** Whoever makes it has opened the content. */
  JavaFile(JavaTree tree, JavaNode node, int flags) {
    this.tree = tree;
    this.node = node;
    content = node.content();
    int access = flags & OpenFlags.ACCESS_MODE;
    reads = access != OpenFlags.WRITE_ONLY;
    writes = access != OpenFlags.READ_ONLY;
    syncs = (flags & OpenFlags.DATA_SYNC) != 0;
  }

  boolean writes() {
    return writes;
  }

  @Override
  public long read(IoVector target, long offset) {
    return reads ? JavaErrors.errno(() -> content.read(target, offset)) : -Errno.EBADF;
  }

  @Override
  public long write(IoVector source, long offset) {
    return writes ? JavaErrors.errno(() -> synced(content.write(source, offset))) : -Errno.EBADF;
  }

  @Override
  public long append(IoVector source) {
    return writes ? JavaErrors.errno(() -> synced(content.append(source))) : -Errno.EBADF;
  }

  private int synced(int count) throws IOException {
    if (syncs) {
      content.force(true);
    }
    return count;
  }

  @Override
  public int attributes(FileAttributes attributes) {
    return tree.attributesOf(node, attributes);
  }

  @Override
  public int sync(boolean dataOnly) {
    return JavaErrors.errno(
        () -> {
          content.force(dataOnly);
          return 0;
        });
  }

  /** The file becomes longer; that there is space for it can't be told to Java. */
  @Override
  public int allocate(int mode, long offset, long length) {
    if (!writes) {
      return -Errno.EBADF;
    }
    if (mode != 0) {
      return -Errno.EOPNOTSUPP;
    }
    return JavaErrors.errno(
        () -> {
          content.extend(offset + length);
          return 0;
        });
  }

  @Override
  public long seek(long offset, boolean hole) {
    long[] found = new long[1];
    int result =
        JavaErrors.errno(
            () -> {
              found[0] = content.seek(offset, hole);
              return 0;
            });
    return result < 0 ? result : found[0];
  }

  @Override
  public long copyTo(long offset, OpenFile target, long targetOffset, long length) {
    JavaFile other = (JavaFile) target;
    if (!reads || !other.writes) {
      return -Errno.EBADF;
    }
    return JavaErrors.errno(
        () -> {
          ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(COPY_BYTES, length));
          int count = content.get(bytes, offset);
          return other.content.put(bytes.flip(), targetOffset) == count ? count : 0;
        });
  }

  @Override
  public void close() {
    try {
      content.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // what was written may be lost: it must be seen
    }
  }
}
