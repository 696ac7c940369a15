// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.NativeMemory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(300)
class ConsoleInputTest {
  @TempDir Path directory;
  private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
  private final AtomicBoolean broken = new AtomicBoolean();

  private int receive(byte[] bytes, int from, int length) {
    received.add(new String(bytes, from, length, StandardCharsets.US_ASCII));
    if (broken.get()) {
      throw new IllegalStateException("broken by the test");
    }
    return length;
  }

  private static void send(NamedPipe pipe, String text) {
    NativeMemory memory = new NativeMemory(16);
    memory.buffer().put(0, text.getBytes(StandardCharsets.US_ASCII));
    FileIo.write(pipe.writeEnd.value(), memory.address(), text.length());
  }

  private String sent(NamedPipe pipe, String text) throws InterruptedException {
    send(pipe, text);
    return received.poll(120, TimeUnit.SECONDS);
  }

  @Test
  void aSinkThatThrowsLosesItsBytesOnly() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory);
        ConsoleInput input = ConsoleInput.ofPipe("m", pipe.readEnd, this::receive)) {
      input.start();
      broken.set(true);
      assertEquals("ab", sent(pipe, "ab"));
      assertEquals("cd", sent(pipe, "cd"));
      broken.set(false);
      assertEquals("ef", sent(pipe, "ef"));
    }
  }

  @Test
  void aFilterThatFailsLetsKeysThrough() throws Exception {
    KeyFilter failing =
        (keys, count, passed) -> {
          keys[0] = 'x';
          if (count == 1) {
            throw new IllegalStateException("broken by the test");
          }
          return 1000;
        };
    try (NamedPipe pipe = new NamedPipe(directory);
        ConsoleInput input =
            ConsoleInput.ofTerminal("m", pipe.readEnd, this::receive, failing, () -> true)) {
      input.start();
      assertEquals("a", sent(pipe, "a"));
      assertEquals("bc", sent(pipe, "bc"));
    }
  }

  @Test
  void aTerminalThatIsNotOursIsNotRead() throws Exception {
    KeyFilter same =
        (keys, count, passed) -> {
          System.arraycopy(keys, 0, passed, 0, count);
          return count;
        };
    Semaphore asked = new Semaphore(0);
    AtomicBoolean ours = new AtomicBoolean();
    BooleanSupplier mayRead =
        () -> {
          asked.release();
          return ours.get();
        };
    try (NamedPipe pipe = new NamedPipe(directory);
        ConsoleInput input =
            ConsoleInput.ofTerminal("m", pipe.readEnd, this::receive, same, mayRead)) {
      input.start();
      asked.acquire();
      send(pipe, "ab");
      asked.acquire(3); // by itself, as nobody tells
      assertTrue(received.isEmpty());
      ours.set(true);
      assertEquals("ab", received.poll(120, TimeUnit.SECONDS));
      assertEquals("cd", sent(pipe, "cd"));

      ours.set(false); // while it waits for input, which wakes it
      asked.drainPermits();
      send(pipe, "ef");
      asked.acquire(3);
      assertTrue(received.isEmpty());
      ours.set(true);
      assertEquals("ef", received.poll(120, TimeUnit.SECONDS));
    }
  }

  @Test
  void roomMayBeAnnouncedWhileTheInputIsClosed() throws Exception {
    try (NamedPipe pipe = new NamedPipe(directory)) {
      AtomicReference<ConsoleInput> current = new AtomicReference<>();
      AtomicBoolean end = new AtomicBoolean();
      AtomicReference<RuntimeException> failure = new AtomicReference<>();
      Thread vcpu =
          new Thread(
              () -> {
                while (!end.get() && failure.get() == null) {
                  ConsoleInput input = current.get();
                  try {
                    if (input != null) {
                      input.roomAvailable();
                    }
                  } catch (RuntimeException e) {
                    failure.set(e);
                  }
                }
              });
      vcpu.start();
      for (int i = 0; i < 300; i++) {
        ConsoleInput input = ConsoleInput.ofPipe("m", pipe.readEnd, this::receive);
        current.set(input);
        input.start();
        input.close();
      }
      end.set(true);
      vcpu.join(120_000);
      assertFalse(vcpu.isAlive());
      assertTrue(failure.get() == null, () -> "on a vCPU's thread: " + failure.get());
    }
  }
}
