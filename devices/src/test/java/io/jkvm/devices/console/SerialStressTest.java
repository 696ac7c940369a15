// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.testing.RecordingIrq;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A host that types, a guest that reads by interrupt and prints, and an output that is stuck. */
@Timeout(300)
class SerialStressTest {
  private static final int TYPED_BYTES = 300_000;
  private static final int DATA = 0;
  private static final int IER = 1;
  private static final int FCR = 2;
  private static final int MCR = 4;
  private static final int LSR = 5;

  @TempDir Path directory;
  private final RecordingIrq irq = new RecordingIrq();

  @Test
  void nothingTypedIsLostWhileTheOutputIsStuck() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      ConsoleOutput output = new ConsoleOutput(pipe.writeEnd, "the pipe", e -> {});
      Uart16550 uart = new Uart16550(irq, output);
      uart.write(FCR, 1, 0x81);
      uart.write(MCR, 1, 0x0b);
      uart.write(IER, 1, 1);

      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread host = new Thread(() -> type(uart));
      Thread printer = new Thread(() -> print(uart));
      host.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
      printer.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
      host.start();
      printer.start();

      int received = 0;
      while (received < TYPED_BYTES) {
        assertTrue(irq.awaitLevel(true, 120_000), "no interrupt after " + received + " bytes");
        while ((uart.read(LSR, 1) & 1) != 0) {
          assertEquals((byte) (received * 13), (byte) uart.read(DATA, 1), "byte " + received);
          received++;
        }
      }
      assertFalse(irq.level());
      host.join();
      printer.interrupt();
      printer.join(120_000);
      assertFalse(printer.isAlive(), "a stuck output holds the guest");
      assertEquals(null, failure.get());
      assertFalse(output.close(50), "the pipe is full");
    }
  }

  private static void type(Uart16550 uart) {
    Semaphore room = new Semaphore(0);
    uart.onReceiveRoom(room::release);
    byte[] chunk = new byte[100];
    int sent = 0;
    while (sent < TYPED_BYTES) {
      int length = Math.min(chunk.length, TYPED_BYTES - sent);
      for (int i = 0; i < length; i++) {
        chunk[i] = (byte) ((sent + i) * 13);
      }
      int taken = uart.receive(chunk, 0, length);
      sent += taken;
      try {
        if (taken < length && !room.tryAcquire(120, TimeUnit.SECONDS)) {
          throw new IllegalStateException("room is never announced, after " + sent);
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Prints as Linux does, with and without regard to THRE. */
  private static void print(Uart16550 uart) {
    for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
      boolean ready = (uart.read(LSR, 1) & 0x20) != 0;
      if (ready || i % 1000 == 0) {
        uart.write(DATA, 1, i);
      }
    }
  }
}
