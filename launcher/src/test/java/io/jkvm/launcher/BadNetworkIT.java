// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Libc;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.launcher.report.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks that can't be had: one line, status 3. */
@Guests
class BadNetworkIT {
  private static final String KERNEL = ProjectFiles.guestImage("bzImage").toString();

  @TempDir Path folder;

  private static void assertRefused(List<String> options, String... parts) throws Exception {
    List<String> command = JkvmProcess.runCommand("--kernel", KERNEL, "--timeout", "20s");
    command.addAll(options);
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, command), ExitStatus.HOST, parts);
  }

  @Test
  void tapIsNoTap() throws Exception {
    assertRefused(List.of("--net", "tap=lo"), "tap lo", "sudo ip tuntap add dev");
  }

  @Test
  void tapMayNotBeMade() throws Exception {
    assumeTrue(Libc.geteuid() == 0, "becoming another user needs root");
    assumeTrue(BadFiles.unprivilegedOpens(Path.of("/dev/net/tun")), "/dev/net/tun is root's alone");
    BadFiles.chmod(folder, "rwxr-xr-x");
    Path home = folder.resolve("jkvm");
    BadFiles.copyTree(JkvmProcess.binary().getParent().getParent(), home);
    Path kernel = BadFiles.chmod(Files.copy(Path.of(KERNEL), folder.resolve("k")), "rw-r--r--");
    List<String> command =
        JkvmProcess.runCommand("--kernel", kernel.toString(), "--net", "tap=jkvmnone0");
    command.set(0, home.resolve("bin/jkvm").toString());
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, BadFiles.unprivileged(command)),
        ExitStatus.HOST,
        "tap jkvmnone0 does not exist, and may not be made by this user (EPERM",
        "sudo ip tuntap add dev jkvmnone0 mode tap user $USER");
  }

  @Test
  void captureCanNotBeWritten() throws Exception {
    String net = "switch=lan,pcap=" + folder;
    assertRefused(List.of("--net", net + "/none/x.pcap"), "pcap " + folder + "/none/x.pcap");
    assertRefused(List.of("--net", net), "pcap " + folder, "not a regular file");
  }
}
