// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.p9.Virtio9p;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a guest has written is on stable storage before its share is gone, with either device. */
class LastSyncTest {
  private final List<String> calls = new ArrayList<>();

  /** A tree that notes its end. */
  private FileTree tree(int result) {
    return new StubTree() {
      @Override
      public int sync() {
        calls.add("sync");
        return result;
      }

      @Override
      public void close() {
        calls.add("close");
      }
    };
  }

  private static Stream<Function<FileTree, AutoCloseable>> devices() {
    return Stream.of(
        tree -> new VirtioFs("t", tree, SharePolicy.writable()),
        tree -> new Virtio9p("t", tree, SharePolicy.writable()));
  }

  @ParameterizedTest
  @MethodSource("devices")
  void itIsSynchronizedFirst(Function<FileTree, AutoCloseable> device) throws Exception {
    device.apply(tree(0)).close();
    assertEquals(List.of("sync", "close"), calls);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void whatIsLostIsToldAndTheTreeIsClosed(Function<FileTree, AutoCloseable> device) {
    AutoCloseable share = device.apply(tree(-Errno.ENOSPC));
    String said = assertThrows(UncheckedIOException.class, share::close).getMessage();
    assertTrue(said.contains("may be lost: syncfs: ENOSPC"), said);
    assertEquals(List.of("sync", "close"), calls);
  }
}
