// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Libc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** passt started by other users, on other hosts, and by a process that is killed. */
@Timeout(300)
class PasstHostTest {
  private static final int SECONDS = 300;
  private static final List<String> AS_NOBODY =
      List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups");

  private static final String CLASSES = System.getProperty("java.class.path");

  @TempDir Path directory;

  @BeforeEach
  void needTools() {
    needTool("passt", "passt");
  }

  private static void needTool(String tool, String debianPackage) {
    assumeTrue(
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool))),
        tool + " is not installed: apt-get install " + debianPackage);
  }

  private static Process probe(String classes, List<String> before, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Djna.tmpdir=" + System.getProperty("java.io.tmpdir"), "-cp"));
    command.addAll(List.of(classes, PasstProbe.class.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static void assertWorks(String classes, List<String> before) throws Exception {
    Process probe = probe(classes, before);
    String output = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(probe.waitFor(SECONDS, TimeUnit.SECONDS));
    assertEquals(0, probe.exitValue(), output);
  }

  /** A copy of the class path where every user can read it. */
  private String readableClasses() throws Exception {
    List<String> copies = new ArrayList<>();
    for (String part : CLASSES.split(":")) {
      if (Files.exists(Path.of(part))) {
        copies.add(directory.resolve(copies.size() + "-" + Path.of(part).getFileName()).toString());
        List<String> copy = List.of("cp", "-rL", part, copies.get(copies.size() - 1));
        assertEquals(0, new ProcessBuilder(copy).start().waitFor());
      }
    }
    List<String> open = List.of("chmod", "-R", "a+rX", directory.toString());
    assertEquals(0, new ProcessBuilder(open).start().waitFor());
    return String.join(":", copies);
  }

  @Test
  void asAnOrdinaryUser() throws Exception {
    assumeTrue(Libc.geteuid() == 0, "not root: the other tests ran as an ordinary user already");
    needTool("setpriv", "util-linux");
    assertWorks(readableClasses(), AS_NOBODY);
  }

  @Test
  void onAHostWithoutANetwork() throws Exception {
    assumeTrue(Libc.geteuid() == 0, "not root: no network namespace");
    needTool("unshare", "util-linux");
    needTool("ip", "iproute2");
    assertWorks(
        CLASSES, List.of("unshare", "-n", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"));
  }

  @Test
  void endsWithAProcessThatIsKilled() throws Exception {
    Path connected = directory.resolve("connected");
    Process probe = probe(CLASSES, List.of(), connected.toString());
    try {
      while (!Files.exists(connected)) {
        assertFalse(probe.waitFor(10, TimeUnit.MILLISECONDS), "the probe has ended");
      }
      ProcessHandle passt = probe.children().findFirst().orElseThrow();
      probe.destroyForcibly().waitFor();
      passt.onExit().get(SECONDS, TimeUnit.SECONDS);
    } finally {
      probe.descendants().forEach(ProcessHandle::destroyForcibly);
      probe.destroyForcibly();
    }
  }
}
