// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Devices, listeners and threads of the user's that do what they should not. */
@RequiresKvm
@Timeout(600)
class HostileUserTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir Path folder;
  private Path kernel;

  @BeforeEach
  void writeKernel() throws IOException {
    kernel = TinyKernel.write(folder);
  }

  private MachineSpecBuilder tiny() {
    return MachineSpec.boot(kernel).memoryMiB(64);
  }

  /** A device at the port that the guest reads when "P" is typed. */
  private static class Port implements BusDevice {
    @Override
    public long read(long offset, int size) {
      return 0;
    }

    @Override
    public void write(long offset, int size, long value) {}
  }

  /** As other languages throw, and Java with a trick: without declaring it. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void throwUndeclared(Throwable e) throws E {
    throw (E) e;
  }

  @Test
  void anUndeclaredExceptionOfADeviceEndsTheMachineWithAReason() throws InterruptedException {
    Port broken =
        new Port() {
          @Override
          public long read(long offset, int size) {
            HostileUserTest.<RuntimeException>throwUndeclared(new IOException("undeclared"));
            return 0;
          }
        };
    MachineSpec spec = tiny().portDevice(TinyKernel.PORT, 1, "broken", c -> broken).build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("K", PATIENCE);
      machine.console().send("P");
      StopReason reason = machine.awaitStop(PATIENCE).orElseThrow();
      assertTrue(reason.detail().contains("undeclared"), reason::toString);
    }
  }

  @Test
  void anUndeclaredExceptionOfAListenerLeavesTheOthersTheirEvents() {
    List<MachineState> states = new ArrayList<>();
    MachineListener broken =
        new MachineListener() {
          @Override
          public void stateChanged(Machine machine, MachineState state) {
            HostileUserTest.<RuntimeException>throwUndeclared(new IOException("undeclared"));
          }
        };
    MachineListener sound =
        new MachineListener() {
          @Override
          public void stateChanged(Machine machine, MachineState state) {
            states.add(state);
          }
        };
    Machine.start(tiny().build(), broken, sound).close();
    assertEquals(List.of(MachineState.RUNNING, MachineState.STOPPED, MachineState.CLOSED), states);
  }

  /** A part that can pause and throws one and the same exception for it and for the way back. */
  private static final class Stubborn extends Port implements Pausable {
    private final IllegalStateException always = new IllegalStateException("never");
    private volatile boolean refuses = true;

    @Override
    public void pause() {
      if (refuses) {
        throw always;
      }
    }

    @Override
    public void resume() {
      if (refuses) {
        throw always;
      }
    }
  }

  @Test
  void aPartThatCanNeitherPauseNorGoOnLeavesTheGuestRunning() throws InterruptedException {
    Stubborn stubborn = new Stubborn();
    MachineSpec spec = tiny().portDevice(TinyKernel.PORT, 1, "stubborn", c -> stubborn).build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("K", PATIENCE);
      MachineException e = assertThrows(MachineException.class, machine::pause);
      assertEquals(Problem.DEVICE, e.problem());
      machine.console().send("alive");
      machine.console().expect("alive", PATIENCE);
      stubborn.refuses = false;
      machine.pause();
      machine.resume();
    }
  }

  @Test
  void aListenerThatAsksForMuchDuringACloseIsRefusedAndDoesNotHoldItUp() throws Exception {
    CountDownLatch closing = new CountDownLatch(1);
    List<Problem> refusals = new ArrayList<>();
    CountDownLatch asked = new CountDownLatch(1);
    MachineListener greedy =
        new MachineListener() {
          @Override
          public void stopped(Machine machine, StopReason reason) {
            try {
              closing.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            List<Runnable> wishes = List.of(machine::start, machine::pause, machine::powerButton);
            for (Runnable wish : wishes) {
              try {
                wish.run();
              } catch (MachineException e) {
                refusals.add(e.problem());
              }
            }
            machine.resume();
            asked.countDown();
          }
        };
    Machine machine = Machine.start(tiny().build(), greedy);
    machine.console().expect("K", PATIENCE);
    machine.console().send("R"); // the listener is told on the vCPU's thread
    machine.awaitStop();
    closing.countDown();
    assertEquals(List.of(), machine.closeAndReport());
    asked.await();
    assertEquals(List.of(Problem.STATE, Problem.STATE, Problem.STATE), refusals);
  }

  @Test
  void aThreadOfAMachinesOwnMayCloseIt() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    MachineListener listener =
        new MachineListener() {
          @Override
          public void stateChanged(Machine machine, MachineState state) {
            if (state == MachineState.CLOSED) {
              closed.countDown();
            }
          }
        };
    Machine machine = Machine.start(tiny().build(), listener);
    WorkerThread backend = new WorkerThread("backend", machine::close).start();
    assertTrue(backend.join());
    closed.await();
    assertEquals(MachineState.CLOSED, machine.state());
  }

  @Test
  void oneWhoWaitsForOutputDoesNotHoldUpAnother() throws Exception {
    try (Machine machine = Machine.start(tiny().build())) {
      Thread patient =
          new Thread(
              () ->
                  assertThrows(
                      MachineException.class,
                      () -> machine.console().expect("never", Duration.ofMinutes(60))));
      patient.start();
      while (patient.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
      MachineException e =
          assertThrows(
              MachineException.class,
              () -> machine.console().expect("never", Duration.ofMillis(10)));
      assertEquals(Problem.EXPECT, e.problem());
      machine.stop();
      patient.join();
    }
  }

  @Test
  void aStreamToAFullDeviceIsClosedAllTheSame() throws Exception {
    Path full = Path.of("/dev/full");
    CountDownLatch failed = new CountDownLatch(1);
    try (Machine machine = Machine.create(tiny().build())) {
      ConsoleStream stream = ConsoleStream.file(full, e -> failed.countDown());
      machine.console().attach(stream);
      machine.start();
      failed.await();
      stream.close(PATIENCE);
      try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
        assertEquals(0, descriptors.filter(fd -> leadsTo(fd, full)).count());
      }
    }
  }

  private static boolean leadsTo(Path link, Path target) {
    try {
      return Files.readSymbolicLink(link).equals(target);
    } catch (IOException e) {
      return false; // the one that lists them
    }
  }

  @Test
  void aReasonIsWhole() {
    assertThrows(NullPointerException.class, () -> new StopReason(StopReason.Kind.REQUESTED, null));
  }
}
