// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.ok;

import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Knows more files than it can have descriptors, in the directory that is its argument. */
final class DescriptorsProgram {
  private static final int KNOWN = 600;
  private static final int OPEN = 80;

  private DescriptorsProgram() {}

  /** Fails with an exception if handles keep it from opening something. */
  public static void main(String[] arguments) throws Exception {
    List<AutoCloseable> open = new ArrayList<>();
    // More handles than descriptors: only an error tells.
    try (HostShare share = new HostShare(Path.of(arguments[0]), 4096, 4096)) {
      ok(share.mkdir(ROOT, "d", 0755));
      long directory = share.entry.node;
      for (int i = 0; i < KNOWN; i++) {
        share.file(Integer.toString(i), "");
      }
      for (int i = 0; i < 3; i++) {
        file(share, directory, OPEN + i).close(); // so that no class has to be loaded later
      }
      for (int i = 0; i < OPEN; i++) {
        fill(share);
        open.add(file(share, directory, i));
      }
      for (AutoCloseable one : open) {
        one.close();
      }
    }
  }

  /** Takes all descriptors for handles. */
  private static void fill(HostShare share) {
    for (int i = 0; i < KNOWN; i++) {
      ok(share.lookup(ROOT, Integer.toString(i)));
    }
  }

  private static AutoCloseable file(HostShare share, long directory, int number) {
    switch (number % 3) {
      case 0:
        OpenFile file = share.open(share.node(Integer.toString(number)), OpenFlags.READ_ONLY);
        return file;
      case 1:
        return share.create(directory, Integer.toString(number), 0600, OpenFlags.READ_WRITE);
      default:
        return share.openDirectory(directory);
    }
  }
}
