// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;

/**
 * A directory that is open. Java tells no places in a directory, so all names are read at its
 * beginning, and a cookie is a position among them: whatever is made or removed meanwhile, no name
 * comes twice and none is left out.
 */
final class JavaDirectory implements OpenDirectory {
  private static final int MAX_NAME_BYTES = 255;
  private static final int DIRECTORY = FileMode.DIRECTORY >> 12;

  /** How many names a guest can make the host hold, some 100 bytes each; about so many. */
  private static final int MAX_LISTED = 1 << 20;

  private final JavaNode node;
  private final JavaPaths paths;
  private final NodeTable table;
  private final JavaAttributes attributes;
  private final AtomicLong listed;
  private final FileAttributes read = new FileAttributes();
  private List<Name> names;
  private int position;

  /**
   * A name as it was when the directory was read.
   *
   * @param type as in {@link DirectoryEntry}
   * @param hash of what tells the file from others; 0 if there is no such thing
   */
  private record Name(String text, int type, long hash) {}

  /**
   * At its beginning.
   *
   * @param listed how many names all open directories of the tree hold
   */
  JavaDirectory(
      JavaNode node,
      JavaPaths paths,
      NodeTable table,
      JavaAttributes attributes,
      AtomicLong listed) {
    this.attributes = attributes;
    this.listed = listed;
    this.node = node;
    this.paths = paths;
    this.table = table;
  }

  @Override
  public int seek(long cookie) {
    if (cookie == 0 || names == null) {
      int result = JavaErrors.errno(this::readNames);
      if (result < 0) {
        return result;
      }
    }
    if (cookie < 0 || cookie > names.size()) {
      return -Errno.EINVAL;
    }
    position = (int) cookie;
    return 0;
  }

  private int readNames() throws IOException {
    Lock lock = paths.lock().readLock();
    lock.lock();
    try {
      close();
      List<Name> found = new ArrayList<>();
      found.add(new Name(".", DIRECTORY, 0));
      found.add(new Name("..", DIRECTORY, 0));
      Path path = paths.pathOrNull(node);
      if (path != null) { // a directory that was removed is empty
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(paths.directory(node))) {
          for (Path child : stream) {
            if (listed.get() + found.size() >= MAX_LISTED) {
              return -Errno.ENOMEM;
            }
            addName(found, child);
          }
        } catch (DirectoryIteratorException e) {
          throw e.getCause();
        }
      }
      listed.addAndGet(found.size());
      names = found;
      return 0;
    } finally {
      lock.unlock();
    }
  }

  private void addName(List<Name> found, Path child) {
    String text = child.getFileName().toString();
    if (text.endsWith("/")) {
      text = text.substring(0, text.length() - 1); // zip files have directories so
    }
    int length = JavaPaths.encode(text).length;
    if (length > 0 && length <= MAX_NAME_BYTES) {
      found.add(name(text, child));
    }
  }

  private Name name(String text, Path child) {
    try {
      Object key = attributes.readType(child, read);
      int type = FileMode.isDirectory(read.mode) ? DIRECTORY : 0;
      return new Name(text, type, key == null ? 0 : NodeTable.hash(key));
    } catch (IOException e) {
      return new Name(text, 0, 0); // it is gone, or nobody may know what it is
    }
  }

  @Override
  public int next(DirectoryEntry entry) {
    if (position >= names.size()) {
      return 0;
    }
    Name name = names.get(position);
    position++;
    byte[] bytes = JavaPaths.encode(name.text());
    long inode = position <= 2 ? node.inode() : table.inodeOf(node, name.text(), name.hash());
    entry.name(ByteBuffer.wrap(bytes), 0, bytes.length);
    entry.place(inode, position, name.type());
    return 1;
  }

  /** Java can't. */
  @Override
  public int sync(boolean dataOnly) {
    return 0;
  }

  @Override
  public void close() {
    if (names != null) {
      listed.addAndGet(-names.size());
      names = null;
    }
  }
}
