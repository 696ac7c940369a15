// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Credentials;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A directory of the host, a tree over it, and what requests use again and again. */
final class HostShare implements AutoCloseable {
  static final long ROOT = FileTree.ROOT;

  final Path root;
  final HostTree tree;
  final Caller caller = new Caller();
  final FileAttributes entry = new FileAttributes();
  final AttributeChange change = new AttributeChange();
  final OpenResult result = new OpenResult();

  HostShare(Path root) throws IOException {
    this(root, 1000, 100);
  }

  HostShare(Path root, int maxNodes, int maxHandles) throws IOException {
    this(root, maxNodes, maxHandles, new HostOwners());
  }

  HostShare(Path root, int maxNodes, int maxHandles, HostOwners owners) throws IOException {
    this.root = root;
    tree = new HostTree("test", root, maxNodes, maxHandles, owners);
  }

  static void assumeRoot() {
    assumeTrue(Credentials.effectiveUserId() == 0, "needs root");
  }

  /** Characters up to 0xff are bytes. */
  static NativeName name(String text) {
    NativeName name = new NativeName(NativeName.NAME_MAX);
    assertEquals(0, name.setComponent(text.getBytes(StandardCharsets.ISO_8859_1)), text);
    return name;
  }

  static NativeName text(String text) {
    NativeName name = new NativeName(NativeName.PATH_BYTES);
    assertEquals(0, name.set(text.getBytes(StandardCharsets.ISO_8859_1)), text);
    return name;
  }

  static long ok(long result) {
    assertTrue(result >= 0, () -> Errno.name((int) -result));
    return result;
  }

  static void fails(int errno, long result) {
    String got = result < 0 ? Errno.name((int) -result) : "no error but " + result;
    assertEquals(Errno.name(errno), got);
  }

  Path file(String name, String text) throws IOException {
    return Files.writeString(root.resolve(name), text);
  }

  Path directory(String name) throws IOException {
    return Files.createDirectories(root.resolve(name));
  }

  int lookup(long parent, String name) {
    return tree.lookup(parent, name(name), entry);
  }

  /** Looks up names from the root on; each keeps a reference. */
  long node(String... names) {
    long node = ROOT;
    for (String name : names) {
      ok(lookup(node, name));
      node = entry.node;
    }
    return node;
  }

  int attributes(long node) {
    return tree.attributes(node, entry);
  }

  OpenFile create(long parent, String name, int mode, int flags) {
    ok(tree.create(caller, parent, name(name), mode, flags, entry, result));
    return result.takeFile();
  }

  OpenFile open(long node, int flags) {
    ok(tree.open(caller, node, flags, result));
    return result.takeFile();
  }

  int openError(long node, int flags) {
    return tree.open(caller, node, flags, result);
  }

  OpenDirectory openDirectory(long node) {
    ok(tree.openDirectory(node, result));
    return result.takeDirectory();
  }

  int change(long node, int fields) {
    return change(node, null, fields);
  }

  int change(long node, OpenFile file, int fields) {
    change.fields = fields;
    return tree.change(caller, node, file, change, entry);
  }

  int chmod(long node, int mode) {
    change.mode = mode;
    return change(node, AttributeChange.MODE);
  }

  int chown(long node, int uid, int gid) {
    change.uid = uid;
    change.gid = gid;
    return change(node, AttributeChange.UID | AttributeChange.GID);
  }

  int mkdir(long parent, String name, int mode) {
    return tree.makeDirectory(caller, parent, name(name), mode, entry);
  }

  int mknod(long parent, String name, int mode) {
    return tree.makeNode(caller, parent, name(name), mode, 0, entry);
  }

  int symlink(long parent, String name, String target) {
    return tree.makeSymbolicLink(caller, parent, name(name), text(target), entry);
  }

  int link(long node, long parent, String name) {
    return tree.link(node, parent, name(name), entry);
  }

  int unlink(long parent, String name) {
    return tree.unlink(parent, name(name));
  }

  int rmdir(long parent, String name) {
    return tree.removeDirectory(parent, name(name));
  }

  int rename(long parent, String name, long newParent, String newName, int flags) {
    return tree.rename(parent, name(name), newParent, name(newName), flags);
  }

  String readLink(long node) {
    NativeMemory target = new NativeMemory(NativeName.PATH_BYTES + 1);
    return string(target, (int) ok(tree.readLink(node, target)));
  }

  static String string(NativeMemory memory, int length) {
    byte[] bytes = new byte[length];
    memory.buffer().get(0, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  static NativeMemory memory(String text) {
    NativeMemory memory = new NativeMemory(Math.max(1, text.length()));
    memory.buffer().put(0, text.getBytes(StandardCharsets.ISO_8859_1));
    return memory;
  }

  static long append(OpenFile file, String text) {
    NativeMemory memory = memory(text);
    IoVector vector = new IoVector(1);
    vector.add(memory.address(), text.length());
    long count = file.append(vector);
    java.lang.ref.Reference.reachabilityFence(memory);
    return count;
  }

  static long write(OpenFile file, String text, long offset) {
    NativeMemory memory = memory(text);
    IoVector vector = new IoVector(2);
    int half = text.length() / 2;
    vector.add(memory.address(), half);
    vector.add(memory.address() + half, text.length() - half);
    long count = file.write(vector, offset);
    java.lang.ref.Reference.reachabilityFence(memory);
    return count;
  }

  static String read(OpenFile file, long offset, int size) {
    NativeMemory memory = new NativeMemory(size);
    IoVector vector = new IoVector(1);
    vector.add(memory.address(), size);
    return string(memory, (int) ok(file.read(vector, offset)));
  }

  /** The contents of a node. */
  String contents(long node) {
    try (OpenFile file = open(node, OpenFlags.READ_ONLY)) {
      return read(file, 0, 4096);
    }
  }

  /** The names from the place on at which a directory is, without dots. */
  static List<String> names(OpenDirectory directory) {
    List<String> names = new ArrayList<>();
    DirectoryEntry entry = new DirectoryEntry();
    while (ok(directory.next(entry)) == 1) {
      String name = name(entry);
      if (!name.equals(".") && !name.equals("..")) {
        names.add(name);
      }
    }
    return names;
  }

  static String name(DirectoryEntry entry) {
    byte[] bytes = new byte[entry.nameLength()];
    entry.buffer().get(entry.nameAt(), bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  List<String> list(long node) {
    try (OpenDirectory directory = openDirectory(node)) {
      return names(directory);
    }
  }

  /** How many descriptors of this process are handles or files below the root. */
  long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.filter(this::isBelow).count();
    }
  }

  private boolean isBelow(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith(root.toString());
    } catch (IOException e) {
      return false; // closed meanwhile
    }
  }

  @Override
  public void close() {
    tree.close();
  }
}
