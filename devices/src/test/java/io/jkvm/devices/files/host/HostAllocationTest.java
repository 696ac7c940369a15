// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.name;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.DirectoryEntry;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest asks for all the time costs no garbage, also where a handle is opened anew. */
class HostAllocationTest {
  private static final int ROUNDS = 1000;
  private static final int FILES = 6;

  @TempDir Path path;

  @Test
  void requestsCostNoGarbage() throws IOException {
    // With 4 handles, some nodes have none each time.
    try (HostShare share = new HostShare(path, 100, 4)) {
      Requests requests = new Requests(share);
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      for (int i = 0; i < 2 * ROUNDS; i++) {
        requests.makeAll();
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < ROUNDS; i++) {
        requests.makeAll();
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertEquals(0, allocated / ROUNDS, allocated + " bytes for " + ROUNDS + " rounds");
    }
  }

  private static final class Requests {
    private final HostShare share;
    private final NativeName missing = name("missing");
    private final NativeName[] names = new NativeName[FILES];
    private final long[] nodes = new long[FILES];
    private final long directory;
    private final OpenFile file;
    private final OpenDirectory list;
    private final NativeMemory memory = new NativeMemory(4096);
    private final IoVector vector = new IoVector(4);
    private final DirectoryEntry entry = new DirectoryEntry();

    Requests(HostShare share) throws IOException {
      this.share = share;
      share.directory("directory");
      directory = share.node("directory");
      for (int i = 0; i < FILES; i++) {
        String name = i == 0 ? "n".repeat(255) : "a-file-with-a-name-" + i;
        share.file("directory/" + name, "text");
        names[i] = name(name);
      }
      share.file("open", "text");
      file = share.open(share.node("open"), OpenFlags.READ_WRITE);
      list = share.openDirectory(directory);
    }

    private static void check(int expected, long result) {
      if (result != expected) {
        throw new AssertionError(Errno.name((int) -result));
      }
    }

    void makeAll() {
      for (int i = 0; i < FILES; i++) {
        check(0, share.tree.lookup(directory, names[i], share.entry));
        nodes[i] = share.entry.node;
        check(0, share.tree.lookup(directory, names[i], share.entry));
        check(-Errno.ENOENT, share.tree.lookup(directory, missing, share.entry));
      }
      for (int i = 0; i < FILES; i++) {
        check(0, share.tree.attributes(nodes[i], share.entry));
        share.tree.forget(nodes[i], 2);
        check(-Errno.ESTALE, share.tree.attributes(nodes[i], share.entry));
      }
      check(0, share.tree.attributes(ROOT, share.entry));
      vector.clear();
      vector.add(memory.address(), 4);
      check(4, file.write(vector, 0));
      check(4, file.read(vector, 0));
      check(0, file.attributes(share.entry));
      check(0, list.seek(0));
      int count = 0;
      while (list.next(entry) == 1) {
        count++;
      }
      check(FILES + 2, count);
    }
  }
}
