// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a pause is, with a guest that only echoes; PauseIT has it under load. */
@RequiresKvm
@Timeout(600)
class PauseTest {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  @TempDir Path folder;
  private Machine machine;

  @BeforeEach
  void boot() throws IOException, InterruptedException {
    machine =
        Machine.start(MachineSpec.boot(TinyKernel.write(folder)).memoryMiB(64).cpus(2).build());
    machine.console().expect("K", PATIENCE);
  }

  @org.junit.jupiter.api.AfterEach
  void close() {
    machine.close();
  }

  @Test
  void nothingIsEchoedDuringAPauseAndEverythingAfter() throws Exception {
    machine.pause();
    assertEquals(MachineState.PAUSED, machine.state());
    machine.pause();
    long printed = machine.statistics().consoleBytes();
    FutureTask<Void> typing =
        new FutureTask<>(
            () -> {
              machine.console().send("typed while paused");
              return null;
            });
    new Thread(typing, "typing").start();
    assertEquals(0, machine.receive("x".getBytes(), 0, 1), "the port takes nothing");
    assertEquals(printed, machine.statistics().consoleBytes());
    machine.resume();
    machine.resume();
    assertEquals(MachineState.RUNNING, machine.state());
    machine.console().expect("typed while paused", PATIENCE);
    typing.get();
  }

  @Test
  void everyByteComesBackOverThousandsOfPauses() throws Exception {
    byte[] text = new byte[20_000];
    Random random = new Random(1);
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) ('a' + random.nextInt(26));
    }
    ConsoleReader reader = machine.console().newReader();
    FutureTask<Void> typing =
        new FutureTask<>(
            () -> {
              machine.console().send(text);
              machine.console().send("\n");
              return null;
            });
    new Thread(typing, "typing").start();
    int pauses = 0;
    while (pauses < 1000 || !typing.isDone()) {
      machine.pause();
      if (random.nextInt(4) == 0) {
        Thread.onSpinWait();
      }
      machine.resume();
      pauses++;
    }
    typing.get();
    assertEquals("K" + new String(text) + "\n", reader.expect("\n", PATIENCE));
  }

  @Test
  void noVcpuRunsDuringAPause() throws Exception {
    AtomicLong reads = new AtomicLong();
    BusDevice counter =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            return reads.incrementAndGet();
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    MachineSpec spec =
        machine.spec().toBuilder().portDevice(TinyKernel.PORT, 1, "counter", c -> counter).build();
    try (Machine counting = Machine.start(spec)) {
      counting.console().expect("K", PATIENCE);
      counting.console().send("C");
      for (int i = 0; i < 100; i++) {
        await(reads, reads.get() + 10);
        counting.pause();
        long before = reads.get();
        for (int spins = 0; spins < 10_000; spins++) {
          Thread.onSpinWait();
        }
        assertEquals(before, reads.get(), "a vCPU has run");
        counting.resume();
      }
    }
  }

  private static void await(AtomicLong counter, long value) {
    while (counter.get() < value) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aPausedMachineCanBeStoppedAndClosed() throws Exception {
    machine.pause();
    machine.stop();
    assertEquals(StopReason.Kind.REQUESTED, machine.awaitStop().kind());
    assertEquals(MachineState.STOPPED, machine.state());
    machine.close();
    machine.resume();
    assertEquals(MachineState.CLOSED, machine.state());
    MachineException e = assertThrows(MachineException.class, machine::pause);
    assertEquals(Problem.STATE, e.problem());
  }

  @Test
  void aMachineThatHasNotStartedCannotBePaused() {
    try (Machine other = machine.createAgain()) {
      MachineException e = assertThrows(MachineException.class, other::pause);
      assertEquals(Problem.STATE, e.problem());
      assertTrue(e.getMessage().contains("created"), e.getMessage());
    }
  }
}
