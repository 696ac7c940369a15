// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.nio;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Makes, links, renames and removes names; the lock for changes is held. */
final class JavaNames {
  private final JavaTree tree;
  private final JavaPaths paths;
  private final NodeTable table;
  private final JavaAttributes attributes;

  JavaNames(JavaTree tree, JavaPaths paths, NodeTable table, JavaAttributes attributes) {
    this.tree = tree;
    this.paths = paths;
    this.table = table;
    this.attributes = attributes;
  }

  int makeDirectory(Caller caller, long parent, NativeName name, int mode, FileAttributes entry)
      throws IOException {
    if (!attributes.isOwner(caller.uid)) {
      return -Errno.EPERM;
    }
    JavaNode directory = paths.node(parent);
    String text = JavaPaths.mustDecode(name);
    Path path = paths.child(directory, text);
    if (table.isFull()) {
      return -Errno.ENFILE;
    }
    Files.createDirectory(path);
    attributes.setMode(path, mode);
    return tree.refer(directory, text, path, entry);
  }

  /** Java can only make files. */
  int makeNode(Caller caller, long parent, NativeName name, int mode, FileAttributes entry)
      throws IOException {
    if (!attributes.isOwner(caller.uid) || !FileMode.isRegular(mode)) {
      return -Errno.EPERM;
    }
    JavaNode directory = paths.node(parent);
    String text = JavaPaths.mustDecode(name);
    Path path = paths.child(directory, text);
    if (table.isFull()) {
      return -Errno.ENFILE;
    }
    Files.createFile(path);
    attributes.setMode(path, mode);
    return tree.refer(directory, text, path, entry);
  }

  int makeSymbolicLink(
      Caller caller, long parent, NativeName name, NativeName target, FileAttributes entry)
      throws IOException {
    if (!attributes.isOwner(caller.uid)) {
      return -Errno.EPERM;
    }
    JavaNode directory = paths.node(parent);
    String text = JavaPaths.mustDecode(name);
    Path path = paths.child(directory, text);
    String targetText = JavaPaths.mustDecode(target);
    if (table.isFull()) {
      return -Errno.ENFILE;
    }
    try {
      Files.createSymbolicLink(path, path.getFileSystem().getPath(targetText));
    } catch (UnsupportedOperationException e) {
      return -Errno.EPERM; // as Linux says of a file system without links
    }
    return tree.refer(directory, text, path, entry);
  }

  int link(long node, long newParent, NativeName newName, FileAttributes entry) throws IOException {
    JavaNode linked = paths.node(node);
    JavaNode directory = paths.node(newParent);
    String text = JavaPaths.mustDecode(newName);
    Path path = paths.child(directory, text);
    Path existing = paths.pathOrNull(linked);
    if (existing == null) {
      return -Errno.ESTALE;
    }
    if (Files.isDirectory(existing, LinkOption.NOFOLLOW_LINKS)) {
      return -Errno.EPERM;
    }
    try {
      Files.createLink(path, existing);
    } catch (UnsupportedOperationException e) {
      return -Errno.EPERM;
    }
    return tree.refer(directory, text, path, entry);
  }

  int remove(long parent, NativeName name, boolean directories) throws IOException {
    JavaNode directory = paths.node(parent);
    String text = JavaPaths.mustDecode(name);
    Path path = paths.child(directory, text);
    FileAttributes now = new FileAttributes();
    Object key = attributes.read(path, now);
    if (FileMode.isDirectory(now.mode) != directories) {
      return directories ? -Errno.ENOTDIR : -Errno.EISDIR;
    }
    JavaNode node = table.child(directory, text);
    losesName(node, key, now);
    Files.delete(path);
    table.removeLocation(directory, text);
    return 0;
  }

  /** What is known of a file is read once more before its name is gone. */
  private void losesName(JavaNode node, Object key, FileAttributes now) throws IOException {
    if (node == null) {
      return;
    }
    now.node = node.number();
    now.inode = node.inode();
    long size = node.content().size();
    if (size >= 0) {
      now.size = size;
    }
    table.remember(node, now);
    if (key == null) {
      node.content().detach();
    }
  }

  int rename(long parent, NativeName name, long newParent, NativeName newName, int flags)
      throws IOException {
    JavaNode from = paths.node(parent);
    JavaNode to = paths.node(newParent);
    String text = JavaPaths.mustDecode(name);
    String newText = JavaPaths.mustDecode(newName);
    Path source = paths.child(from, text);
    Path target = paths.child(to, newText);
    if ((flags & OpenFlags.RENAME_EXCHANGE) != 0) {
      return -Errno.EINVAL; // Java has no such thing
    }
    FileAttributes moved = new FileAttributes();
    final Object key = attributes.read(source, moved);
    if (target.startsWith(source) && !target.equals(source)) {
      return -Errno.EINVAL;
    }
    boolean replaces = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    if (replaces && (flags & OpenFlags.RENAME_NOREPLACE) != 0) {
      return -Errno.EEXIST;
    }
    JavaNode node = table.child(from, text);
    if (replaces) {
      FileAttributes replaced = new FileAttributes();
      Object replacedKey = attributes.read(target, replaced);
      if (FileMode.isDirectory(replaced.mode) != FileMode.isDirectory(moved.mode)) {
        return FileMode.isDirectory(moved.mode) ? -Errno.ENOTDIR : -Errno.EISDIR;
      }
      if (target.equals(source)) {
        return 0;
      }
      losesName(table.child(to, newText), replacedKey, replaced);
    }
    if (node != null && key == null) {
      node.content().suspend();
    }
    try {
      move(source, target, FileMode.isDirectory(moved.mode));
      table.move(from, text, to, newText);
    } finally {
      if (node != null && key == null) {
        node.content().resume(table.path(node));
      }
    }
    return 0;
  }

  private static void move(Path source, Path target, boolean directory) throws IOException {
    try {
      Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException
        | FileAlreadyExistsException
        | UnsupportedOperationException e) {
      Files.move(source, target, StandardCopyOption.REPLACE_EXISTING);
    }
    if (directory && Files.exists(source, LinkOption.NOFOLLOW_LINKS)) {
      // A zip file makes a new directory and leaves the old one as it is.
      try {
        Files.delete(source);
      } catch (DirectoryNotEmptyException e) {
        Files.delete(target);
        throw new FileSystemException(source.toString(), null, Errno.message(Errno.EXDEV));
      }
    }
  }

  int create(
      Caller caller,
      long parent,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result)
      throws IOException {
    JavaNode directory = paths.node(parent);
    String text = JavaPaths.mustDecode(name);
    Path path = paths.child(directory, text);
    boolean made = make(caller, path);
    if (!made && (flags & OpenFlags.EXCLUSIVE) != 0) {
      return -Errno.EEXIST;
    }
    int error = tree.refer(directory, text, path, entry);
    if (error < 0) {
      if (made) {
        Files.delete(path);
      }
      return error;
    }
    JavaNode node = paths.node(entry.node);
    boolean opened = false;
    try {
      error = tree.open(node, path, entry.mode, flags & ~OpenFlags.EXCLUSIVE, result);
      opened = error == 0;
    } finally {
      if (!opened) {
        table.forget(entry.node, 1);
      }
    }
    if (error == 0 && made) {
      attributes.setMode(path, mode);
      tree.attributes(entry.node, entry);
    }
    return error;
  }

  private boolean make(Caller caller, Path path) throws IOException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    if (!attributes.isOwner(caller.uid)) {
      throw new FileSystemException(path.toString(), null, Errno.message(Errno.EPERM));
    }
    try {
      Files.createFile(path);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }
}
