// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that writes more than RLIMIT_FSIZE gets SIGXFSZ, which ends others than a JVM. */
class FileLimitTest {
  @TempDir Path path;

  @Test
  @Timeout(300)
  void writingTooMuchIsAnError() throws Exception {
    LimitedProcess.assertRuns("-f 8192", FileLimitProgram.class, path);
  }
}
