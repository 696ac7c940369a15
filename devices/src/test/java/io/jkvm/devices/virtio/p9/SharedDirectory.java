// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import io.jkvm.devices.files.nio.JavaTree;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.IntSupplier;

/** A directory of some file system, and a guest that has mounted it. */
final class SharedDirectory implements AutoCloseable {
  /** Where the directory is. */
  enum Kind {
    /** In a temporary directory of the host's, by Java's files. */
    HOST,
    /** There too, by descriptors, as jkvm shares the host's. */
    NATIVE,
    /** In a zip file, which knows neither links nor permissions. */
    ZIP
  }

  final Path root;
  final FileTree tree;
  final IntSupplier knownNodes;
  final P9Driver guest;
  private final FileSystem fileSystem;

  SharedDirectory(Kind kind, Path temporary) throws Exception {
    this(kind, temporary, SharePolicy.writable());
  }

  SharedDirectory(Kind kind, Path temporary, SharePolicy policy) throws Exception {
    if (kind == Kind.ZIP) {
      fileSystem =
          FileSystems.newFileSystem(temporary.resolve("files.zip"), Map.of("create", "true"));
      root = fileSystem.getPath("/");
    } else {
      fileSystem = null;
      root = Files.createDirectory(temporary.resolve("share"));
    }
    if (kind == Kind.NATIVE) {
      HostTree host = new HostTree("test", root, HostTree.DEFAULT_MAX_NODES, 64);
      tree = host;
      knownNodes = host::knownNodes;
    } else {
      JavaTree java = new JavaTree("test", root);
      tree = java;
      knownNodes = java::knownNodes;
    }
    guest = new P9Driver(new Virtio9p("test", tree, policy)).mounted();
  }

  /** Makes a file with a text. */
  Path file(String name, String text) throws IOException {
    return Files.writeString(root.resolve(name), text);
  }

  @Override
  public void close() throws IOException {
    guest.close();
    if (fileSystem != null) {
      fileSystem.close();
    }
  }
}
