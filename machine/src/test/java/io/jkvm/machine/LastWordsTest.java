// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.devices.console.ConsoleHub;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LastWordsTest {
  private static final StopReason RESET = new StopReason(StopReason.Kind.GUEST_RESET, "");

  private final ConsoleHub console = new ConsoleHub();

  private void print(String text) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      console.accept(b);
    }
  }

  @Test
  void aResetAfterAPanicHasItsName() {
    print("[ 6.0] Kernel panic - not syncing: VFS: no root\r\n[ 6.1] CPU: 0\r\n");
    assertEquals(
        new StopReason(StopReason.Kind.GUEST_PANIC, "VFS: no root"),
        LastWords.refine(RESET, console));
  }

  @Test
  void soHasATripleFault() {
    print("Kernel panic - not syncing: x\n");
    StopReason fault = new StopReason(StopReason.Kind.TRIPLE_FAULT, "vCPU 0");
    assertEquals(StopReason.Kind.GUEST_PANIC, LastWords.refine(fault, console).kind());
  }

  @Test
  void otherEndsKeepTheirs() {
    print("Kernel panic - not syncing: x\n");
    StopReason timeout = new StopReason(StopReason.Kind.TIMEOUT, "60 s");
    assertSame(timeout, LastWords.refine(timeout, console));
  }

  @Test
  void aTripleFaultThatWasAnnouncedIsAReset() {
    StopReason fault = new StopReason(StopReason.Kind.TRIPLE_FAULT, "vCPU 0 shut down");
    assertSame(fault, LastWords.refine(fault, console));
    print("[ 6.0] reboot: Restarting system\r\n[ 6.1] reboot: machine restart\r\n");
    assertEquals(StopReason.Kind.GUEST_RESET, LastWords.refine(fault, console).kind());
  }

  /** Who tests kernels shows logs. */
  @Test
  void aRestartInGoodOrderIsNoPanicWhateverWasPrintedBefore() {
    print("Kernel panic - not syncing: of another machine\n");
    print("[ 6.0] reboot: Restarting system\r\n[ 6.1] reboot: machine restart\r\n");
    assertSame(RESET, LastWords.refine(RESET, console));
    print("Kernel panic - not syncing: on the way\n");
    assertEquals("on the way", LastWords.refine(RESET, console).detail());
  }

  @Test
  void aKernelThatHangsAfterItsPanicIsNamedWhateverEndsIt() {
    print("Kernel panic - not syncing: of another machine\n");
    print("Kernel panic - not syncing: VFS: no root\r\n[ 6.1] CPU: 0\r\n");
    print("[ 6.2] ---[ end Kernel panic - not syncing: VFS: no root ]---\r\n");
    StopReason timeout = new StopReason(StopReason.Kind.TIMEOUT, "60 s");
    assertEquals(
        new StopReason(
            StopReason.Kind.TIMEOUT, "60 s; the guest's kernel had panicked: VFS: no root"),
        LastWords.refine(timeout, console));
  }

  @Test
  void processorsThatStopAreHaltedIfTheKernelHasSaidSo() {
    StopReason dead = new StopReason(StopReason.Kind.GUEST_DEAD, "vCPU 0");
    assertSame(dead, LastWords.refine(dead, console));
    print("[ 6.0] reboot: System halted\r\n");
    assertEquals(StopReason.Kind.GUEST_HALT, LastWords.refine(dead, console).kind());
    print("Kernel panic - not syncing: x\n");
    assertEquals(StopReason.Kind.GUEST_PANIC, LastWords.refine(dead, console).kind());
  }

  @Test
  void aResetWithoutPanicIsAReset() {
    print("Kernel panic - no\nnot syncing\nKernel panic\r - not syncing");
    assertSame(RESET, LastWords.refine(RESET, console));
  }

  @Test
  void theMarkMayBeginInsideAFalseStart() {
    print("KKernel panKernel panic - not syncing: y\n");
    assertEquals("y", LastWords.refine(RESET, console).detail());
  }

  @Test
  void aMessageCutOffByTheResetCounts() {
    print("Kernel panic - not syncing: Att");
    assertEquals("Att", LastWords.refine(RESET, console).detail());
  }

  @Test
  void aLongMessageIsCutAndControlCharactersAreNoOnesTerminal() {
    print("Kernel panic - not syncing: \u001b[2J\u009b1A\u202e" + "z".repeat(5000) + "\n");
    String detail = LastWords.refine(RESET, console).detail();
    assertTrue(detail.startsWith("?[2J?1A?zzz"), detail);
    assertTrue(detail.length() <= 200, detail);
  }

  @Test
  void aPanicLongAgoIsForgotten() {
    print("Kernel panic - not syncing: x\n");
    print("life goes on\n".repeat(4000));
    assertSame(RESET, LastWords.refine(RESET, console));
  }
}
