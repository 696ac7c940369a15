// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/** What a passt of this process might leave on the host: other processes may start theirs. */
final class LeftoverPasst {
  /** Of 10 ms each. */
  private static final int TRIES = 12_000;

  private final Set<String> before = directories();

  LeftoverPasst() throws IOException {}

  private static Set<String> directories() throws IOException {
    Set<String> names = new HashSet<>();
    try (Stream<Path> all = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      all.map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith("jkvm-passt-"))
          .forEach(names::add);
    }
    return names;
  }

  static Stream<ProcessHandle> processes() {
    return ProcessHandle.current().children().filter(ProcessHandle::isAlive);
  }

  void assertNoDirectory() throws Exception {
    Set<String> left = directories();
    for (int i = 0; i < TRIES && !before.containsAll(left); i++) {
      Thread.sleep(10);
      left = directories();
    }
    left.removeAll(before);
    assertEquals(Set.of(), left);
  }

  void assertNothing() throws Exception {
    assertNoDirectory();
    assertEquals(0, processes().count());
  }
}
