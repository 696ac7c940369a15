// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.devices.serial.SerialSink;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class PanicWatchTest {
  private static final StopReason RESET = new StopReason(StopReason.Kind.GUEST_RESET, "");

  private final Sink sink = new Sink();
  private final PanicWatch watch = new PanicWatch(sink);

  private static final class Sink implements SerialSink {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Runnable listener;
    boolean room = true;

    @Override
    public boolean accept(byte value) {
      bytes.write(value);
      return room;
    }

    @Override
    public boolean hasRoom() {
      return room;
    }

    @Override
    public void addRoomListener(Runnable newListener) {
      listener = newListener;
    }

    @Override
    public void removeRoomListener(Runnable oldListener) {
      listener = listener == oldListener ? null : listener;
    }
  }

  private void print(String text) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      watch.accept(b);
    }
  }

  @Test
  void aResetAfterAPanicHasItsName() {
    print("[ 6.0] Kernel panic - not syncing: VFS: no root\r\n[ 6.1] CPU: 0\r\n");
    assertEquals(new StopReason(StopReason.Kind.GUEST_PANIC, "VFS: no root"), watch.refine(RESET));
  }

  @Test
  void soHasATripleFault() {
    print("Kernel panic - not syncing: x\n");
    StopReason fault = new StopReason(StopReason.Kind.TRIPLE_FAULT, "vCPU 0");
    assertEquals(StopReason.Kind.GUEST_PANIC, watch.refine(fault).kind());
  }

  @Test
  void otherEndsKeepTheirs() {
    print("Kernel panic - not syncing: x\n");
    StopReason timeout = new StopReason(StopReason.Kind.TIMEOUT, "60 s");
    assertSame(timeout, watch.refine(timeout));
  }

  @Test
  void aResetWithoutPanicIsAReset() {
    print("Kernel panic - no\nnot syncing\nKernel panic\r - not syncing");
    assertSame(RESET, watch.refine(RESET));
  }

  @Test
  void theMarkMayBeginInsideAFalseStart() {
    print("KKernel panKernel panic - not syncing: y\n");
    assertEquals("y", watch.refine(RESET).detail());
  }

  @Test
  void aMessageCutOffByTheResetCounts() {
    print("Kernel panic - not syncing: Att");
    assertEquals("Att", watch.refine(RESET).detail());
  }

  @Test
  void aLongMessageIsCutAndControlCharactersAreNoOnesTerminal() {
    print("Kernel panic - not syncing: \u001b[2J" + "z".repeat(5000) + "\n");
    String detail = watch.refine(RESET).detail();
    assertTrue(detail.startsWith("?[2Jzzz"), detail);
    assertTrue(detail.length() <= 200, detail);
  }

  @Test
  void aPanicLongAgoIsForgotten() {
    print("Kernel panic - not syncing: x\n");
    print("life goes on\n".repeat(4000));
    assertSame(RESET, watch.refine(RESET));
  }

  @Test
  void everythingPassesThrough() {
    print("aKernel panic - not syncing: x\nb");
    assertEquals("aKernel panic - not syncing: x\nb", sink.bytes.toString(StandardCharsets.UTF_8));
    assertTrue(watch.hasRoom());
    sink.room = false;
    assertFalse(watch.hasRoom());
    assertFalse(watch.accept((byte) 'x'));
    Runnable listener = () -> {};
    watch.addRoomListener(listener);
    assertSame(listener, sink.listener);
    watch.removeRoomListener(listener);
    assertNull(sink.listener);
  }
}
