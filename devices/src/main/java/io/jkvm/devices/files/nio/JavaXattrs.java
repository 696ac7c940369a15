// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;

/** Extended attributes of files and directories; Java has those of {@code user.} only. */
final class JavaXattrs {
  private static final String PREFIX = "user.";

  private final JavaPaths paths;
  private final boolean there;

  JavaXattrs(JavaPaths paths, Path root) {
    this.paths = paths;
    there = root.getFileSystem().supportedFileAttributeViews().contains("user");
  }

  boolean areThere() {
    return there;
  }

  private UserDefinedFileAttributeView view(long node) throws IOException {
    Path path = paths.pathOrNull(paths.node(node));
    boolean has =
        path != null
            && (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                || Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS));
    // Linux has none on anything else, and Java would open a FIFO to find out.
    UserDefinedFileAttributeView view =
        has
            ? Files.getFileAttributeView(
                path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
            : null;
    if (view == null) {
      throw new UnsupportedOperationException("user.");
    }
    return view;
  }

  private static String name(NativeName name) {
    String text = JavaPaths.mustDecode(name);
    if (!text.startsWith(PREFIX)) {
      throw new UnsupportedOperationException(text);
    }
    return text.substring(PREFIX.length());
  }

  int get(long node, NativeName attribute, NativeMemory value, int size) throws IOException {
    UserDefinedFileAttributeView view = view(node);
    String name = name(attribute);
    if (!view.list().contains(name)) {
      return -Errno.ENODATA;
    }
    int length = view.size(name);
    if (size == 0) {
      return length;
    }
    if (length > size) {
      return -Errno.ERANGE;
    }
    ByteBuffer bytes = value.buffer().duplicate();
    return view.read(name, bytes.clear().limit(length));
  }

  int set(long node, NativeName attribute, NativeMemory value, int size, int flags)
      throws IOException {
    UserDefinedFileAttributeView view = view(node);
    String name = name(attribute);
    boolean exists = flags != 0 && view.list().contains(name);
    if (flags == OpenFlags.XATTR_CREATE && exists) {
      return -Errno.EEXIST;
    }
    if (flags == OpenFlags.XATTR_REPLACE && !exists) {
      return -Errno.ENODATA;
    }
    view.write(name, value.buffer().duplicate().clear().limit(size));
    return 0;
  }

  int list(long node, NativeMemory list, int size) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String name : view(node).list()) {
      all.append(PREFIX).append(name).append('\0');
    }
    byte[] bytes = JavaPaths.encode(all.toString());
    if (size == 0) {
      return bytes.length;
    }
    if (bytes.length > size) {
      return -Errno.ERANGE;
    }
    list.buffer().put(0, bytes);
    return bytes.length;
  }

  int remove(long node, NativeName attribute) throws IOException {
    UserDefinedFileAttributeView view = view(node);
    String name = name(attribute);
    if (!view.list().contains(name)) {
      return -Errno.ENODATA;
    }
    view.delete(name);
    return 0;
  }
}
