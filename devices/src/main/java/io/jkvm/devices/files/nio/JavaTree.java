// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.TreeStatistics;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;

/**
 * A tree over a directory of any {@link java.nio.file.FileSystem}. Names that are not UTF-8 can't
 * be told to Java and are {@code EINVAL}; hard links, symbolic links, permissions and extended
 * attributes are as the file system has them; FIFOs, sockets and devices can't be made. Everything
 * belongs to one owner, and nobody else can make anything.
 *
 * <p>A guest alone can't get out of the directory, whatever it renames and links meanwhile: changes
 * of names exclude everything else. A directory in which others than the guest put symbolic links
 * in the place of directories should not be given to a guest this way.
 */
public final class JavaTree implements FileTree {
  /** How many nodes a guest can hold if nothing else is said, each of some 750 bytes. */
  public static final int DEFAULT_MAX_NODES = 1 << 18;

  private static final int NAME_BYTES = 255;
  private static final int BLOCK_BYTES = 4096;

  private final String name;
  private final JavaPaths paths;
  private final NodeTable table;
  private final JavaAttributes attributes;
  private final JavaNames names;
  private final JavaChanges changes;
  private final JavaXattrs xattrs;
  private final AtomicLong listed = new AtomicLong();

  /** A tree whose files belong to the guest's root. */
  public JavaTree(String name, Path root) {
    this(name, root, 0, 0, DEFAULT_MAX_NODES);
  }

  /**
   * A tree.
   *
   * @param name for messages
   * @param root a directory, which is not looked at yet
   * @param uid whose its files are, as a number of the guest's
   * @param maxNodes how many files the guest can know at once, 2 or more
   */
  public JavaTree(String name, Path root, int uid, int gid, int maxNodes) {
    this.name = name;
    table = new NodeTable(root, maxNodes);
    paths = new JavaPaths(root, table);
    attributes = new JavaAttributes(root.getFileSystem(), uid, gid);
    names = new JavaNames(this, paths, table, attributes);
    changes = new JavaChanges(paths, table, attributes);
    xattrs = new JavaXattrs(paths, root);
  }

  @Override
  public String name() {
    return name;
  }

  /** How many nodes the guest knows, with the root. */
  public int knownNodes() {
    return table.size();
  }

  /** Does something with paths while no name changes. */
  private int reading(JavaErrors.Operation operation) {
    Lock lock = paths.lock().readLock();
    lock.lock();
    try {
      return JavaErrors.errno(operation);
    } finally {
      lock.unlock();
    }
  }

  /** Changes names while nobody else uses them. */
  private int changing(JavaErrors.Operation operation) {
    Lock lock = paths.lock().writeLock();
    lock.lock();
    try {
      return JavaErrors.errno(operation);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public int lookup(long parent, NativeName child, FileAttributes entry) {
    return reading(
        () -> {
          String text = JavaPaths.decode(child);
          JavaNode directory = paths.node(parent);
          return text == null
              ? -Errno.ENOENT
              : refer(directory, text, paths.child(directory, text), entry);
        });
  }

  /** Fills in what a name is, which has a reference more then. */
  int refer(JavaNode directory, String text, Path path, FileAttributes entry) throws IOException {
    Object key = attributes.read(path, entry);
    JavaNode node = table.refer(directory, text, key, entry.mode);
    if (node == null) {
      return -Errno.ENFILE;
    }
    return complete(node, entry);
  }

  private int complete(JavaNode node, FileAttributes entry) throws IOException {
    entry.node = node.number();
    entry.fleeting = table.isNearlyFull();
    entry.inode = node.inode();
    long size = node.content().size();
    if (size >= 0) {
      entry.size = size;
    }
    table.remember(node, entry);
    return 0;
  }

  @Override
  public void forget(long node, long count) {
    table.forget(node, count);
  }

  @Override
  public void forgetAll() {
    table.clear();
  }

  @Override
  public int attributes(long node, FileAttributes into) {
    return reading(() -> attributes(paths.node(node), into));
  }

  int attributesOf(JavaNode node, FileAttributes into) {
    return reading(() -> attributes(node, into));
  }

  private int attributes(JavaNode node, FileAttributes into) throws IOException {
    Path path = paths.pathOrNull(node);
    if (path == null || !isStill(node, attributes.read(path, into))) {
      table.recall(node, into); // it has no name any more
    }
    return complete(node, into);
  }

  private static boolean isStill(JavaNode node, Object key) {
    return node.key() == null || node.key().equals(key);
  }

  @Override
  public int change(
      Caller caller, long node, OpenFile file, AttributeChange change, FileAttributes into) {
    return reading(
        () -> {
          if (!attributes.isOwner(change)) {
            return -Errno.EPERM;
          }
          JavaNode changed = paths.node(node);
          int result = attributes(changed, into);
          if (result == 0) {
            result = changes.apply(changed, file, change, into);
          }
          return result < 0 ? result : attributes(changed, into);
        });
  }

  @Override
  public int readLink(long node, NativeMemory target) {
    return reading(
        () -> {
          Path path = paths.pathOrNull(paths.node(node));
          if (path == null) {
            return -Errno.ESTALE;
          }
          byte[] bytes = JavaPaths.encode(Files.readSymbolicLink(path).toString());
          if (bytes.length > target.buffer().capacity()) {
            return -Errno.ENAMETOOLONG;
          }
          target.buffer().put(0, bytes);
          return bytes.length;
        });
  }

  @Override
  public int makeDirectory(
      Caller caller, long parent, NativeName child, int mode, FileAttributes entry) {
    return changing(() -> names.makeDirectory(caller, parent, child, mode, entry));
  }

  @Override
  public int makeNode(
      Caller caller, long parent, NativeName child, int mode, int device, FileAttributes entry) {
    return changing(() -> names.makeNode(caller, parent, child, mode, entry));
  }

  @Override
  public int makeSymbolicLink(
      Caller caller, long parent, NativeName child, NativeName target, FileAttributes entry) {
    return changing(() -> names.makeSymbolicLink(caller, parent, child, target, entry));
  }

  @Override
  public int link(long node, long newParent, NativeName newName, FileAttributes entry) {
    return changing(() -> names.link(node, newParent, newName, entry));
  }

  @Override
  public int unlink(long parent, NativeName child) {
    return changing(() -> names.remove(parent, child, false));
  }

  @Override
  public int removeDirectory(long parent, NativeName child) {
    return changing(() -> names.remove(parent, child, true));
  }

  @Override
  public int rename(long parent, NativeName child, long newParent, NativeName newName, int flags) {
    return changing(() -> names.rename(parent, child, newParent, newName, flags));
  }

  @Override
  public int open(Caller caller, long node, int flags, OpenResult result) {
    return reading(
        () -> {
          JavaNode opened = paths.node(node);
          Path path = paths.pathOrNull(opened);
          if (path == null) {
            return -Errno.ESTALE;
          }
          FileAttributes now = new FileAttributes();
          attributes.read(path, now);
          return open(opened, path, now.mode, flags, result);
        });
  }

  /** Opens what is a regular file, and nothing else. */
  int open(JavaNode node, Path path, int mode, int flags, OpenResult result) throws IOException {
    if (!FileMode.isRegular(mode)) {
      boolean link = (mode & FileMode.TYPE) == FileMode.SYMBOLIC_LINK;
      return FileMode.isDirectory(mode) ? -Errno.EISDIR : link ? -Errno.ELOOP : -Errno.ENXIO;
    }
    int access = flags & OpenFlags.ACCESS_MODE;
    boolean truncates = (flags & OpenFlags.TRUNCATE) != 0;
    boolean writes = access != OpenFlags.READ_ONLY || truncates;
    node.content().open(path, access != OpenFlags.WRITE_ONLY, writes);
    if (truncates) {
      node.content().truncate(0);
    }
    result.set(new JavaFile(this, node, flags));
    return 0;
  }

  @Override
  public int create(
      Caller caller,
      long parent,
      NativeName child,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result) {
    return changing(() -> names.create(caller, parent, child, mode, flags, entry, result));
  }

  @Override
  public int openDirectory(long node, OpenResult result) {
    return reading(
        () -> {
          JavaNode opened = paths.node(node);
          paths.directory(opened);
          result.set(new JavaDirectory(opened, paths, table, attributes, listed));
          return 0;
        });
  }

  @Override
  public int statistics(long node, TreeStatistics into) {
    return reading(
        () -> {
          FileStore store = Files.getFileStore(paths.root());
          into.blockBytes = BLOCK_BYTES;
          into.fragmentBytes = BLOCK_BYTES;
          into.nameBytes = NAME_BYTES;
          into.files = 0;
          into.freeFiles = 0;
          try {
            into.blocks = store.getTotalSpace() / BLOCK_BYTES;
            into.freeBlocks = store.getUnallocatedSpace() / BLOCK_BYTES;
            into.availableBlocks = store.getUsableSpace() / BLOCK_BYTES;
          } catch (UnsupportedOperationException e) {
            into.blocks = 0; // a zip file has no such thing
            into.freeBlocks = 0;
            into.availableBlocks = 0;
          }
          return 0;
        });
  }

  @Override
  public int sync() {
    return reading(
        () -> {
          for (JavaNode node : table.all()) {
            node.content().force(false);
          }
          return 0;
        });
  }

  /** What a file system does is not known. */
  @Override
  public boolean clearsPrivileges() {
    return false;
  }

  @Override
  public boolean hasExtendedAttributes() {
    return xattrs.areThere();
  }

  @Override
  public int extendedAttribute(long node, NativeName attribute, NativeMemory value, int size) {
    return reading(() -> xattrs.get(node, attribute, value, size));
  }

  @Override
  public int setExtendedAttribute(
      long node, NativeName attribute, NativeMemory value, int size, int flags) {
    return reading(() -> xattrs.set(node, attribute, value, size, flags));
  }

  @Override
  public int extendedAttributeNames(long node, NativeMemory list, int size) {
    return reading(() -> xattrs.list(node, list, size));
  }

  @Override
  public int removeExtendedAttribute(long node, NativeName attribute) {
    return reading(() -> xattrs.remove(node, attribute));
  }

  /** The file system stays open, since it is the caller's. */
  @Override
  public void close() {
    table.clear();
  }
}
