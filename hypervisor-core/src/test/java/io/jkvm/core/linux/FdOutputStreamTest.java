// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.testing.RefusedCall;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FdOutputStreamTest {
  private static final int O_NONBLOCK = 04000;

  @TempDir Path directory;

  @Test
  void everyByteIsWritten() throws Exception {
    byte[] bytes = new byte[200_001];
    new Random(1).nextBytes(bytes);
    Path file = directory.resolve("file");
    try (Fd fd = Fd.create(file.toString());
        FdOutputStream out = new FdOutputStream(fd.value(), "file")) {
      out.write(bytes, 1, 200_000);
      out.write(bytes[0]);
      out.write(bytes, 0, 0);
    }
    byte[] expected = new byte[200_001];
    System.arraycopy(bytes, 1, expected, 0, 200_000);
    expected[200_000] = bytes[0];
    assertArrayEquals(expected, Files.readAllBytes(file));
  }

  @Test
  void aFailureHasItsNumber() throws Exception {
    try (Fd full = Fd.open("/dev/full", Fd.READ_WRITE);
        FdOutputStream out = new FdOutputStream(full.value(), "standard output")) {
      LinuxException e = assertThrows(LinuxException.class, () -> out.write(new byte[3]));
      assertEquals(Errno.ENOSPC, e.errno());
      assertEquals(
          "write to standard output: ENOSPC (28): No space left on device", e.getMessage());
    }
  }

  /** The JVM ignores SIGPIPE, or this would end it. */
  @Test
  void aReaderThatHasLeftIsEpipe() throws Exception {
    String pipe = namedPipe();
    Fd reader = Fd.open(pipe, Fd.READ_WRITE); // opens without a writer
    try (Fd writer = Fd.create(pipe);
        FdOutputStream out = new FdOutputStream(writer.value(), "pipe")) {
      out.write('x');
      reader.close();
      LinuxException e = assertThrows(LinuxException.class, () -> out.write('x'));
      assertEquals(Errno.EPIPE, e.errno());
    }
  }

  @Test
  void aDescriptorThatDoesNotBlockIsWaitedFor() throws Exception {
    byte[] bytes = new byte[1 << 20]; // more than the pipe holds
    new Random(2).nextBytes(bytes);
    String pipe = namedPipe();
    CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> contentOf(Path.of(pipe)));
    try (Fd writer = Fd.create(pipe);
        FdOutputStream out = new FdOutputStream(writer.value(), "pipe")) {
      HandleIo.setStatusFlags(writer.value(), HandleIo.statusFlags(writer.value()) | O_NONBLOCK);
      out.write(bytes);
    }
    assertArrayEquals(bytes, read.get());
  }

  /** A network file system, or one with quotas, may only say so now. */
  @Test
  void whatTheHostCouldNotKeepIsToldAtTheClose() throws Exception {
    try (Fd fd = Fd.create(directory.resolve("file").toString())) {
      FdOutputStream out = new FdOutputStream(fd.value(), "standard output");
      out.write('x');
      LinuxException e =
          RefusedCall.run(
              RefusedCall.CLOSE,
              Errno.ENOSPC,
              () -> assertThrows(LinuxException.class, () -> out.close()));
      assertEquals("close standard output: ENOSPC (28): No space left on device", e.getMessage());
      out.close();
      out.write('y'); // it is the descriptor's owner who closes it
      assertEquals("xy", Files.readString(directory.resolve("file")));
    }
  }

  private static byte[] contentOf(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String namedPipe() throws Exception {
    String path = directory.resolve("pipe").toString();
    assertEquals(0, new ProcessBuilder("mkfifo", path).start().waitFor());
    return path;
  }
}
