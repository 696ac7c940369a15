// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.files.Statx;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/** Attributes as the guest sees them: the host's, but for the inode number. */
final class HostAttributes {
  private static final int BLOCK_BYTES = 4096;
  private static final int SPECIAL_MODE = FileMode.DIRECTORY | 0555;

  private HostAttributes() {}

  /** Reads those of a node in use. */
  static int read(HostThread thread, HostNode node, FileAttributes into) {
    if (node.isSpecial()) {
      special(node.number(), node.shown(), into);
      return 0;
    }
    int result = thread.stat.read(node.handle(), 0, HostNodes.MASK);
    if (result == 0) {
      fill(thread.stat, node.number(), node.shown(), into);
    }
    return result;
  }

  /** Those of what was looked up last. */
  static int entry(HostThread thread, FileAttributes into) {
    if (thread.special) {
      special(thread.number, thread.shown, into);
    } else {
      fill(thread.stat, thread.number, thread.shown, into);
    }
    into.fleeting = thread.nearlyFull;
    return 0;
  }

  static void fill(Statx stat, long number, long shown, FileAttributes into) {
    into.node = number;
    into.inode = shown;
    into.size = stat.size();
    into.blocks = stat.blocks();
    into.accessSeconds = stat.accessSeconds();
    into.accessNanos = stat.accessNanoseconds();
    into.modificationSeconds = stat.modificationSeconds();
    into.modificationNanos = stat.modificationNanoseconds();
    into.changeSeconds = stat.changeSeconds();
    into.changeNanos = stat.changeNanoseconds();
    into.mode = stat.mode();
    into.links = stat.links();
    into.uid = stat.uid();
    into.gid = stat.gid();
    into.device = io.jkvm.core.linux.files.FileMode.device(stat.rdevMajor(), stat.rdevMinor());
    into.blockBytes = stat.blockSize();
    into.fleeting = false;
  }

  private static void special(long number, long shown, FileAttributes into) {
    into.node = number;
    into.inode = shown;
    into.size = 0;
    into.blocks = 0;
    into.accessSeconds = 0;
    into.accessNanos = 0;
    into.modificationSeconds = 0;
    into.modificationNanos = 0;
    into.changeSeconds = 0;
    into.changeNanos = 0;
    into.mode = SPECIAL_MODE;
    into.links = 2;
    into.uid = 0;
    into.gid = 0;
    into.device = 0;
    into.blockBytes = BLOCK_BYTES;
    into.fleeting = false;
  }
}
