// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.testing.RefusedCall;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts that have io_uring and don't let it be used, or not all of it. */
@Timeout(300)
class RefusedRingTest {
  private static final int EPERM = 1;
  private static final int ENOSYS = 38;

  private static String tried() {
    try {
      return UringProbe.refusalOf();
    } catch (LinuxException e) {
      return e.getMessage();
    }
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  @ParameterizedTest
  @CsvSource({
    RefusedCall.IO_URING_SETUP + "," + ENOSYS + ", io_uring_setup: ENOSYS",
    RefusedCall.IO_URING_SETUP + "," + EPERM + ", io_uring_setup: EPERM",
    RefusedCall.IO_URING_ENTER + "," + EPERM + ", io_uring_enter: EPERM",
    RefusedCall.IO_URING_REGISTER + "," + EPERM + ", IORING_REGISTER_EVENTFD: EPERM",
  })
  void whatIsRefusedIsFoundAndNamed(int call, int errno, String why) throws Exception {
    assumeTrue(tried().isEmpty(), UringProbe::refusal);
    long before = descriptors();
    String refusal = RefusedCall.run(call, errno, RefusedRingTest::tried);
    assertTrue(refusal.startsWith(why), refusal);
    assertEquals(before, descriptors());
  }

  /** By either word of the kernel's, a completion shows only after a system call. */
  @Test
  void completionsThatWaitForACallAreSeen() {
    UringParams params = new UringParams(0);
    ByteBuffer ring = ByteBuffer.allocateDirect(4096);
    ring.order(ByteOrder.LITTLE_ENDIAN);
    SubmissionQueue queue = new SubmissionQueue(params, ring, ByteBuffer.allocateDirect(4096));
    boolean[] wanted = {false, false, true, true, true, true, true, true};
    for (int flags = 0; flags < wanted.length; flags++) {
      ring.putInt(params.sqFlags(), flags);
      assertEquals(wanted[flags], queue.wantsEnter(), "flags " + flags);
    }
  }
}
