// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.testing.AsmGuest;
import io.jkvm.core.testing.RequiresKvm;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Pausing vCPUs on the real KVM. */
@RequiresKvm
@Timeout(300)
class PauseTest {
  /** Counts up by one with each read of a vCPU's port or register. */
  private static final class Counter implements BusDevice {
    volatile int count;

    @Override
    public long read(long offset, int size) {
      return count = count + 1;
    }

    @Override
    public void write(long offset, int size, long value) {}
  }

  private final List<Counter> counters = List.of(new Counter(), new Counter());
  private final AtomicReference<KvmVm> kvm = new AtomicReference<>();

  private AsmGuest reader(int cpus) throws Exception {
    counters.forEach(counter -> counter.count = 0);
    return new AsmGuest(
        "r3-read-check",
        false,
        cpus,
        parts -> {
          for (int i = 0; i < cpus; i++) {
            parts.ports().map(0x500 + 0x10 * i, 4, "port", counters.get(i));
            parts.mmio().map(0xe0000000L + 0x100 * i, 4, "register", counters.get(i));
          }
          kvm.set(parts.vm());
        });
  }

  /** The result of the last read must be in the guest's registers whenever it is paused. */
  private void pauseAndResume(int pauses, int cpus) throws Exception {
    Random random = new Random(7);
    try (AsmGuest guest = reader(cpus)) {
      guest.vm().start();
      for (int i = 0; i < pauses; i++) {
        LockSupport.parkNanos(random.nextInt(100_000));
        guest.vm().pause();
        for (int cpu = 0; cpu < cpus; cpu++) {
          int count = counters.get(cpu).count;
          long rax = guest.vm().vcpus().get(cpu).regs().get(KvmRegs.RAX);
          assertEquals(count, (int) rax, "pause " + i + ", vCPU " + cpu + guest.serialOutput());
        }
        if (i % 16 == 0) {
          int before = counters.get(0).count;
          LockSupport.parkNanos(random.nextInt(50_000));
          assertEquals(before, counters.get(0).count, "it runs on");
        }
        guest.vm().resume();
        if (i % 10 == 0) { // or a busy host pauses a guest that has read nothing in between
          awaitProgress(counters.get(i / 10 % cpus));
        }
      }
      assertEquals("", guest.serialOutput());
    }
  }

  private static String reasonOf(AsmGuest guest) {
    try {
      return guest.vm().awaitStop() + guest.serialOutput();
    } catch (InterruptedException e) {
      return e.toString();
    }
  }

  private static void awaitProgress(Counter counter) throws InterruptedException {
    int before = counter.count;
    for (int i = 0; i < 120_000 && counter.count == before; i++) {
      Thread.sleep(1);
    }
    assertNotEquals(before, counter.count, "it does not run");
  }

  @Test
  void noReadIsLostByPauses() throws Exception {
    pauseAndResume(10_000, 1);
  }

  @Test
  void noReadIsLostByPausesOfTwoVcpus() throws Exception {
    pauseAndResume(2000, 2);
  }

  @Test
  void pausesAHaltedVcpuAndOneThatWaitsToBeStarted() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-hlt-awake", true, 2, parts -> {})) {
      guest.startAndAwait("halting");
      for (int i = 0; i < 1000; i++) {
        guest.vm().pause();
        guest.vm().resume();
      }
      assertEquals(java.util.Optional.empty(), guest.vm().awaitStop(10, TimeUnit.MILLISECONDS));
      assertFalse(guest.serialOutput().contains("FAIL"), guest::serialOutput);
    }
  }

  @Test
  void kvmclockStandsStill() throws Exception {
    try (AsmGuest guest = reader(1)) {
      guest.vm().start();
      awaitProgress(counters.get(0));
      for (int i = 0; i < 3; i++) {
        long start = System.nanoTime();
        long before = kvm.get().clock();
        guest.vm().pause();
        long paused = System.nanoTime();
        Thread.sleep(400);
        long stoodStill = System.nanoTime() - paused;
        guest.vm().resume();
        long passed = kvm.get().clock() - before;
        long most = System.nanoTime() - start - stoodStill;
        assertTrue(passed > 0, "went back by " + -passed + " ns");
        // The two clocks may run apart, by much less than a tenth of the pause.
        assertTrue(
            passed < most + 40_000_000, passed + " ns passed, and " + most + " were not paused");
      }
    }
  }

  /** For longer than a heartbeat may be late. */
  private static void stopThisProcess() throws Exception {
    String self = String.valueOf(ProcessHandle.current().pid());
    List<String> command =
        List.of("sh", "-c", "kill -STOP $1; sleep 2.1; kill -CONT $1", "sh", self);
    assertEquals(0, new ProcessBuilder(command).start().waitFor());
  }

  private static void assertTold(AsmGuest guest) throws InterruptedException {
    assertEquals(
        StopReason.Kind.GUEST_RESET,
        guest.vm().awaitStop(60, TimeUnit.SECONDS).map(StopReason::kind).orElse(null));
    assertTrue(guest.serialOutput().contains("was stopped"), guest::serialOutput);
  }

  /** Or its watchdogs take the time for a lockup. */
  @Test
  void theGuestIsToldThatItsProcessWasStopped() throws Exception {
    try (AsmGuest guest = new AsmGuest("rm-pvclock", true, parts -> {})) {
      guest.startAndAwait("clock is on");
      assertFalse(guest.serialOutput().contains("stopped"), guest::serialOutput);
      stopThisProcess();
      assertTold(guest);
    }
  }

  /** Then KVM_RUN does not notice. */
  @Test
  void theGuestIsToldThatItsProcessWasStoppedInADevice() throws Exception {
    BusDevice slow =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            try {
              stopThisProcess();
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    try (AsmGuest guest =
        new AsmGuest("rm-pvclock", true, parts -> parts.ports().map(0x500, 1, "slow", slow))) {
      guest.vm().start();
      assertTold(guest);
    }
  }

  @Test
  void aStopEndsAPausedMachine() throws Exception {
    for (int i = 0; i < 50; i++) {
      try (AsmGuest guest = reader(2)) {
        guest.vm().start();
        guest.vm().pause();
        assertTrue(guest.vm().isPaused());
        if (i % 2 == 0) {
          assertTrue(
              guest.vm().requestStop(new StopReason(StopReason.Kind.REQUESTED, "test")),
              () -> reasonOf(guest));
          guest.vm().pause();
          guest.vm().resume();
        }
        guest.vm().close();
        guest.vm().pause();
        guest.vm().resume();
        assertEquals(List.of(), guest.vm().closeFailures());
      }
    }
  }

  @Test
  void aPauseBeforeTheStartKeepsTheGuestFromRunning() throws Exception {
    try (AsmGuest guest = reader(2)) {
      guest.vm().resume();
      guest.vm().pause();
      guest.vm().pause();
      guest.vm().start();
      Thread.sleep(50);
      assertEquals(0, counters.get(0).count + counters.get(1).count);
      guest.vm().resume();
      guest.vm().resume();
      awaitProgress(counters.get(0));
      awaitProgress(counters.get(1));
    }
  }

  @Test
  void manyThreadsMayPauseAndResume() throws Exception {
    try (AsmGuest guest = reader(2)) {
      guest.vm().start();
      AtomicReference<Exception> failure = new AtomicReference<>();
      List<WorkerThread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        threads.add(
            new WorkerThread(
                    "pauser" + i,
                    () -> {
                      try {
                        for (int n = 0; n < 500; n++) {
                          guest.vm().pause();
                          guest.vm().resume();
                        }
                      } catch (PauseTimeoutException | RuntimeException e) {
                        failure.set(e);
                      }
                    })
                .start());
      }
      threads.forEach(WorkerThread::join);
      assertEquals(null, failure.get());
      guest.vm().resume();
      awaitProgress(counters.get(0));
      awaitProgress(counters.get(1));
      assertEquals("", guest.serialOutput());
    }
  }

  @Test
  void aBusyDeviceIsNamedAndTheMachineGoesOn() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    BusDevice slow =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            entered.countDown();
            try {
              leave.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            return counters.get(1).read(offset, size);
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    try (AsmGuest guest =
        new AsmGuest(
            "r3-read-check",
            false,
            2,
            parts -> {
              parts.ports().map(0x500, 4, "port", counters.get(0)).map(0x510, 4, "slow", slow);
              parts.mmio().map(0xe0000000L, 4, "register", counters.get(0));
              parts.mmio().map(0xe0000100L, 4, "register", counters.get(1));
            })) {
      guest.vm().start();
      entered.await();
      Thread.currentThread().interrupt();
      PauseTimeoutException e =
          assertThrows(PauseTimeoutException.class, () -> guest.vm().pause(100));
      assertTrue(Thread.interrupted(), "remembered");
      assertEquals("vCPU 1", e.part());
      assertFalse(guest.vm().isPaused());
      awaitProgress(counters.get(0));
      leave.countDown();
      awaitProgress(counters.get(1));
      guest.vm().pause();
      guest.vm().resume();
      awaitProgress(counters.get(1));
      assertEquals("", guest.serialOutput());
    }
  }

  @Test
  void aVcpuCannotPauseItself() throws Exception {
    AtomicReference<AsmGuest> machine = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(1);
    BusDevice pauser =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            if (done.getCount() > 0) {
              assertThrows(IllegalStateException.class, () -> machine.get().vm().pause());
              done.countDown();
            }
            return 0;
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    try (AsmGuest guest =
        new AsmGuest("r3-read-check", false, parts -> parts.ports().map(0x500, 4, "p", pauser))) {
      machine.set(guest);
      guest.vm().start();
      assertTrue(done.await(120, TimeUnit.SECONDS));
    }
  }
}
