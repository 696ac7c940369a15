// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Files that no one should give to jkvm, users that may not do all, and how it must answer. */
final class BadFiles {
  private static final int NOBODY = 65534;

  private BadFiles() {}

  /** A file of nothing but these bytes. */
  static Path bytes(Path file, byte[] bytes) throws IOException {
    return Files.write(file, bytes);
  }

  /** A file of zeroes that takes no space, with these bytes at an offset. */
  static Path sparse(Path file, long length, long offset, int... bytes) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(length);
      out.seek(offset);
      for (int b : bytes) {
        out.write(b);
      }
    }
    return file;
  }

  /** The first bytes of another file. */
  static Path truncated(Path file, Path original, long length) throws IOException {
    return Files.write(file, Arrays.copyOf(Files.readAllBytes(original), (int) length));
  }

  /** Sets permissions by their numbers as chmod does: "rwxr-xr-x". */
  static Path chmod(Path file, String permissions) throws IOException {
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
  }

  /** A copy with the same permissions. */
  static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path copy = to.resolve(from.relativize(file).toString());
        Files.copy(file, copy);
        Files.setPosixFilePermissions(copy, Files.getPosixFilePermissions(file));
      }
    }
  }

  /** What a directory has. */
  static List<String> namesIn(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  static boolean isRoot() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }

  /** The command as a user whom permissions stop: this one, or where that is root, nobody. */
  static List<String> unprivileged(List<String> command) throws IOException {
    if (!isRoot()) {
      return command;
    }
    List<String> wrapped =
        new ArrayList<>(
            List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups"));
    wrapped.addAll(command);
    return wrapped;
  }

  /**
   * A KVM device that {@link #unprivileged} may open: as root a copy of the device's node in this
   * folder, with permissions for everybody. Where that does not work the test is skipped.
   */
  static Path kvmForEverybody(Path folder) throws Exception {
    Path kvm = Path.of("/dev/kvm");
    if (isRoot()) {
      Path copy = folder.resolve("kvm-for-everybody");
      JkvmProcess.run(
          JkvmProcess.STOP_SECONDS, List.of("cp", "-a", kvm.toString(), copy.toString()));
      kvm = chmod(copy, "rw-rw-rw-");
    }
    assumeTrue(unprivilegedOpens(kvm), "nobody but root may use KVM here");
    return kvm;
  }

  /** Whether {@link #unprivileged} may open a file to read and write it. */
  static boolean unprivilegedOpens(Path file) throws Exception {
    List<String> open = List.of("sh", "-c", "exec 3<>\"$1\"", "sh", file.toString());
    return JkvmProcess.run(JkvmProcess.STOP_SECONDS, unprivileged(open)).status() == 0;
  }

  /** Checks the answer: nothing on standard output, one line on standard error, with all parts. */
  static void assertOneLine(JkvmProcess.Result result, int status, String... parts) {
    assertEquals(status, result.status(), result::toString);
    assertEquals("", result.out());
    assertEquals(1, result.err().lines().count(), result::toString);
    assertTrue(result.err().startsWith("jkvm: "), result::toString);
    for (String part : parts) {
      assertTrue(result.err().contains(part), () -> "lacks '" + part + "': " + result.err());
    }
  }
}
