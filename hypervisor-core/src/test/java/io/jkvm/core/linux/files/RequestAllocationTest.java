// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.name;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a server does for each request costs no garbage, also where it fails. */
class RequestAllocationTest {
  private static final int ROUNDS = 1000;

  @TempDir Path path;

  @Test
  void requestsCostNoGarbage() {
    try (TestDirectory directory = new TestDirectory(path)) {
      Requests requests = new Requests(directory);
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
    private final TestDirectory directory;
    private final NativeName name = new NativeName(NativeName.NAME_MAX);
    private final NativeName missing = name("missing");
    private final NativeName attribute = name("trusted.none");
    private final ByteBuffer source = ByteBuffer.allocateDirect(64).put(new byte[] {'x', 'y', 'z'});
    private final OpenHow create =
        new OpenHow(OpenHow.O_CREAT | OpenHow.O_EXCL | OpenHow.O_RDWR, 0600, 0);
    private final Statx stat = new Statx();
    private final StatFs fs = new StatFs();
    private final HandleIo io = new HandleIo();
    private final FileTimes times = new FileTimes();
    private final ExtendedAttributes attributes = new ExtendedAttributes();
    private final DirectoryEntries entries = new DirectoryEntries(4096);
    private final NativeMemory buffer = new NativeMemory(4096);
    private int inspected;

    Requests(TestDirectory directory) {
      this.directory = directory;
    }

    private static void check(long result) {
      if (result < 0) {
        throw new AssertionError(Errno.name((int) -result));
      }
    }

    void makeAll() {
      check(name.setComponent(source, 0, 3));
      int open = create.open(directory.fd(), name);
      check(open);
      int handle = TestDirectory.HANDLE.open(directory.fd(), name);
      check(handle);
      check(stat.read(handle, 0, Statx.STATX_BASIC_STATS));
      check(fs.read(handle));
      check(io.chmod(handle, 0640));
      times.setAccessNow();
      check(io.utimens(handle, times));
      check(FileDataIo.pwrite(open, buffer.address(), 100, 0));
      check(FileDataIo.pread(open, buffer.address(), 100, 50));
      inspected += attributes.get(handle, attribute, buffer.address(), 100);
      inspected += TestDirectory.HANDLE.open(directory.fd(), missing);
      int list = io.reopen(directory.fd(), OpenHow.O_RDONLY);
      check(list);
      while (entries.fill(list) > 0) {
        while (entries.next()) {
          inspected += entries.nameLength() + entries.type();
        }
      }
      check(DirectoryIo.unlinkat(directory.fd(), name, 0));
      check(HandleIo.close(list));
      check(HandleIo.close(handle));
      check(HandleIo.close(open));
    }
  }
}
