// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.testing.AsmGuest;
import io.jkvm.core.testing.RequiresKvm;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The core loop on the real KVM with guests that need no Linux. */
@RequiresKvm
@Timeout(300)
class AsmGuestTest {
  private final List<String> log = java.util.Collections.synchronizedList(new ArrayList<>());

  /** Reads count up from 1 in each byte; accesses are logged. */
  private final class Recorder implements BusDevice {
    private int next;

    @Override
    public long read(long offset, int size) {
      long value = 0;
      for (int i = 0; i < size; i++) {
        value |= (long) (++next & 0xff) << (8 * i);
      }
      log.add(String.format("r%x/%d", offset, size));
      return value;
    }

    @Override
    public void write(long offset, int size, long value) {
      log.add(String.format("w%x/%d=%x", offset, size, value));
    }
  }

  private static StopReason runQuietly(AsmGuest guest) throws Exception {
    return guest.runToEnd();
  }

  @Test
  void printsFromRealMode() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-hello", true, parts -> {})) {
      assertEquals(StopReason.Kind.GUEST_RESET, runQuietly(guest).kind());
      assertEquals("Hello from real mode\n", guest.serialOutput().replace("\r", ""));
    }
  }

  @Test
  void portsEchoInAllSizes() throws Exception {
    try (AsmGuest guest =
        new AsmGuest(
            "rm-port-echo", true, parts -> parts.ports().map(0x500, 0x20, "t", new Recorder()))) {
      guest.runToEnd();
      assertTrue(guest.serialOutput().contains("port echo done"), guest.serialOutput());
      assertEquals(List.of("r0/1", "w10/1=1", "r2/2", "w12/2=302", "r4/4", "w14/4=7060504"), log);
    }
  }

  @Test
  void stringIoKeepsThePortAndOrder() throws Exception {
    try (AsmGuest guest =
        new AsmGuest(
            "rm-rep-io", true, parts -> parts.ports().map(0x520, 0x20, "t", new Recorder()))) {
      guest.runToEnd();
      assertTrue(guest.serialOutput().contains("rep io done"), guest.serialOutput());
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        expected.add("r0/1");
      }
      for (int i = 1; i <= 64; i++) {
        expected.add(String.format("w10/1=%x", i));
      }
      assertEquals(expected, log.subList(0, 128));
      assertEquals(32, log.stream().filter("r2/2"::equals).count());
      assertEquals(16, log.stream().filter(s -> s.startsWith("w14/4")).count());
      assertTrue(log.contains("w14/4=44434241"), log::toString);
    }
  }

  @Test
  void mmioEchoesInAllSizesFromRing3() throws Exception {
    try (AsmGuest guest =
        new AsmGuest(
            "r3-mmio-echo",
            true,
            parts -> parts.mmio().map(0xe0000000L, 0x1000, "t", new Recorder()))) {
      guest.runToEnd();
      assertTrue(guest.serialOutput().contains("mmio echo done"), guest.serialOutput());
      assertEquals(
          List.of(
              "r0/1",
              "w40/1=1",
              "r0/2",
              "w40/2=302",
              "r0/4",
              "w40/4=7060504",
              "r0/8",
              "w40/8=f0e0d0c0b0a0908"),
          log);
    }
  }

  @Test
  void unmappedAccessesReadAllOnes() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-unmapped", true, parts -> {})) {
      guest.runToEnd();
      assertTrue(guest.serialOutput().contains("PASS"), guest.serialOutput());
    }
  }

  @Test
  void aTripleFaultHasItsName() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-triple-fault", true, parts -> {})) {
      StopReason reason = guest.runToEnd();
      assertEquals(StopReason.Kind.TRIPLE_FAULT, reason.kind(), reason::toString);
    }
  }

  @Test
  void haltWithoutInterruptControllerHasItsName() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-hlt", false, parts -> {})) {
      StopReason reason = guest.runToEnd();
      assertEquals(StopReason.Kind.VCPU_FAILURE, reason.kind());
      assertTrue(reason.detail().contains("halted"), reason::toString);
    }
  }

  @Test
  void completesWhatAnInterpretingKvmLacks() throws Exception {
    try (AsmGuest guest = new AsmGuest("lm-int3", true, parts -> {})) {
      StopReason reason = guest.runToEnd();
      assertTrue(guest.serialOutput().contains("PASS"), () -> guest.serialOutput() + reason);
    }
  }

  @Test
  void kicksReachALoopingOrHaltedGuestEveryTime() throws Exception {
    for (String name : List.of("rm-endless-loop", "r3-endless-loop", "rm-hlt")) {
      for (int i = 0; i < 20; i++) {
        try (AsmGuest guest = new AsmGuest(name, true, parts -> {})) {
          guest.startAndAwait("ing");
          guest.vm().close(); // gives a vCPU up that no kick reaches, and says so
          assertEquals(List.of(), guest.vm().closeFailures(), name);
        }
      }
    }
  }

  @Test
  void aStopFromAnotherThreadRacesWithCloseUnharmed() throws Exception {
    for (int i = 0; i < 100; i++) {
      Thread requester;
      try (AsmGuest guest = new AsmGuest("r3-endless-loop", true, parts -> {})) {
        guest.startAndAwait("looping");
        requester =
            new Thread(
                () -> guest.vm().requestStop(new StopReason(StopReason.Kind.REQUESTED, "test")));
        requester.start();
        guest.vm().awaitStop();
      }
      requester.join();
    }
  }

  @Test
  void closingAVmThatNeverStartedIsFine() throws Exception {
    new AsmGuest("rm-hello", true, parts -> {}).close();
  }

  @Test
  void manyVmsLiveInOneProcess() throws Exception {
    List<AsmGuest> guests = new ArrayList<>();
    try {
      for (int i = 0; i < 8; i++) {
        guests.add(new AsmGuest("r3-endless-loop", true, parts -> {}));
      }
      for (AsmGuest guest : guests) {
        guest.startAndAwait("looping");
      }
      guests.get(3).vm().requestStop(new StopReason(StopReason.Kind.REQUESTED, "this one only"));
      assertTrue(guests.get(3).vm().awaitStop(120, TimeUnit.SECONDS).isPresent());
      assertFalse(guests.get(4).vm().awaitStop(100, TimeUnit.MILLISECONDS).isPresent());
    } finally {
      guests.forEach(AsmGuest::close);
    }
  }

  @Test
  void anIoeventfdTakesItsValueAndLeavesTheOthers() throws Exception {
    try (EventFd doorbell = new EventFd()) {
      try (AsmGuest guest =
          new AsmGuest(
              "r3-mmio-echo",
              true,
              parts -> {
                parts.mmio().map(0xe0000000L, 0x1000, "t", new Recorder());
                Doorbell place = Doorbell.write32(0xe0000040L, 0x07060504);
                assertTrue(parts.vm().doorbells().attach(doorbell, place));
              })) {
        guest.runToEnd();
      }
      assertTrue(doorbell.clear());
      assertFalse(log.contains("w40/4=7060504"), log::toString);
      assertTrue(log.contains("w40/2=302"), log::toString);
    }
  }

  @Test
  void aDoorbellTakesEverySizeAndValueUntilDetached() throws Exception {
    try (EventFd doorbell = new EventFd()) {
      for (boolean attached : new boolean[] {true, false}) {
        log.clear();
        try (AsmGuest guest =
            new AsmGuest(
                "r3-mmio-echo",
                true,
                parts -> {
                  parts.mmio().map(0xe0000000L, 0x1000, "t", new Recorder());
                  Doorbells doorbells = parts.vm().doorbells();
                  assertTrue(doorbells.attach(doorbell, Doorbell.anyWrite(0xe0000040L)));
                  assertFalse(doorbells.attach(doorbell, Doorbell.anyWrite(0xe0000040L)), "taken");
                  if (!attached) {
                    doorbells.detach(doorbell, Doorbell.anyWrite(0xe0000040L));
                  }
                })) {
          guest.runToEnd();
        }
        assertEquals(attached, doorbell.clear());
        assertEquals(attached ? 0 : 4, log.stream().filter(s -> s.startsWith("w40")).count());
      }
    }
  }
}
