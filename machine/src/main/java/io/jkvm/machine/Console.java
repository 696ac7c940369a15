// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.devices.console.ConsoleHub;
import io.jkvm.devices.console.HubReader;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A machine's serial console: any number of readers, one writer at a time. Text is UTF-8. All
 * methods may be called by any thread, before the machine starts and after it has ended.
 */
public final class Console {
  private final Machine machine;
  private final ConsoleHub hub;
  private final ConsoleReader reader;
  private final ReentrantLock reading = new ReentrantLock(true);
  private final ReentrantLock writing = new ReentrantLock(true);
  private final Object room = new Object();

  // Guarded by room.
  private boolean roomMade;
  private Runnable feedRoom = () -> {};

  Console(Machine machine, ConsoleHub hub) {
    this.machine = machine;
    this.hub = hub;
    reader = newReader();
  }

  /**
   * Waits until the guest prints a text, from where the last {@code expect} ended.
   *
   * @param timeout how long at most
   * @return what was printed up to the text's end
   * @throws MachineException with {@link Problem#EXPECT} if it is not printed in time, {@link
   *     Problem#STOPPED} if the machine ended before; with the last lines that were printed
   */
  public String expect(String text, Duration timeout) throws InterruptedException {
    Duration left = lockReading(timeout);
    try {
      return reader.expect(text, left);
    } finally {
      reading.unlock();
    }
  }

  /** One at a time, and no longer than the timeout; what is left of it is for the reader. */
  private Duration lockReading(Duration timeout) throws InterruptedException {
    long start = System.nanoTime();
    long nanoseconds = Durations.nanoseconds(timeout);
    if (!reading.tryLock(nanoseconds, TimeUnit.NANOSECONDS)) {
      throw new MachineException(
          Problem.EXPECT,
          machine.name() + ": another thread waited for output for all of " + timeout);
    }
    return Duration.ofNanos(Math.max(0, nanoseconds - (System.nanoTime() - start)));
  }

  /**
   * The same for a regular expression; the part before the match is skipped. It matches as soon as
   * what is there does: {@code \d+} may see the 4 of a 42 whose 2 is still to come, so end it with
   * what follows the number.
   */
  public MatchResult expect(Pattern pattern, Duration timeout) throws InterruptedException {
    Duration left = lockReading(timeout);
    try {
      return reader.expect(pattern, left);
    } finally {
      reading.unlock();
    }
  }

  /** A reader of its own, which begins with the oldest output that is kept. */
  public ConsoleReader newReader() {
    return new ConsoleReader(machine, HubReader.of(hub));
  }

  /**
   * A reader that misses nothing: when it is 128 KiB behind, the guest's serial port waits for it.
   * Who makes one has to read, and to close it at the end. Only a guest that prints without asking
   * its port can get 256 KiB ahead. Only what is taken makes room: a reader that {@linkplain
   * ConsoleReader#expect expects} something takes nothing before it is there, and lets a guest that
   * prints more than that wait as long.
   *
   * @throws MachineException with {@link Problem#STATE} if the machine is closed
   */
  public ConsoleReader newHoldingReader() {
    try {
      return new ConsoleReader(machine, HubReader.holding(hub));
    } catch (IllegalStateException e) {
      throw new MachineException(Problem.STATE, machine.name() + " is closed", e);
    }
  }

  /** The output that is kept, at most the last 256 KiB; bytes that are no UTF-8 are replaced. */
  public String output() {
    return new String(hub.since(0), StandardCharsets.UTF_8);
  }

  /** Types a text; returns when the guest's serial port has taken all of it. */
  public void send(String text) throws InterruptedException {
    send(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Types bytes; returns when the guest's serial port has taken all of them. A guest that does not
   * listen, and one that is paused, holds the caller back.
   *
   * @throws MachineException with {@link Problem#STOPPED} if the machine ends before
   */
  public void send(byte[] bytes) throws InterruptedException {
    writing.lockInterruptibly();
    try {
      int sent = 0;
      while (sent < bytes.length) {
        synchronized (room) {
          roomMade = false;
        }
        sent += receive(bytes, sent, bytes.length - sent);
        if (sent < bytes.length) {
          awaitRoom(bytes.length - sent);
        }
      }
    } finally {
      writing.unlock();
      feedAgain();
    }
  }

  /**
   * Sends a break, which Linux takes for SysRq (with CONFIG_MAGIC_SYSRQ_SERIAL; the key is what is
   * typed next).
   *
   * @return false if the guest does not listen to its serial port, or not yet
   */
  public boolean sendBreak() {
    return machine.receiveBreak();
  }

  private void awaitRoom(int left) throws InterruptedException {
    synchronized (room) {
      while (!roomMade) {
        if (machine.stopReason().isPresent()) {
          throw new MachineException(
              Problem.STOPPED,
              machine.name() + " stopped with " + left + " bytes of input not taken: " + reason());
        }
        room.wait();
      }
    }
  }

  private String reason() {
    return machine.stopReason().map(StopReason::toString).orElse("");
  }

  private int receive(byte[] bytes, int from, int length) {
    return machine.receive(bytes, from, length);
  }

  /**
   * Lets a stream have all that is printed from now on. A stream that is slower than the guest
   * holds the guest back.
   *
   * @throws MachineException with {@link Problem#STATE} if the machine is closed
   */
  public void attach(ConsoleStream stream) {
    try {
      hub.attach(stream.sink());
    } catch (IllegalStateException e) {
      throw new MachineException(Problem.STATE, machine.name() + " is closed", e);
    }
  }

  /** Ends what {@link #attach} began; the stream may be attached to another console. */
  public void detach(ConsoleStream stream) {
    hub.detach(stream.sink());
  }

  /** Gives the guest's serial port what fits now; for a feed, which waits for room by itself. */
  int offer(byte[] bytes, int from, int length) {
    if (!writing.tryLock()) {
      return 0; // somebody sends; the feed is told when that is done
    }
    try {
      return receive(bytes, from, length);
    } finally {
      writing.unlock();
    }
  }

  /** Who is told that {@link #offer} may take more. */
  void onRoom(Runnable feed) {
    synchronized (room) {
      feedRoom = feed;
    }
  }

  /** The serial port has taken all it had, or the machine has stopped or gone on. */
  void roomAvailable() {
    synchronized (room) {
      roomMade = true;
      room.notifyAll();
    }
    feedAgain();
  }

  private void feedAgain() {
    Runnable feed;
    synchronized (room) {
      feed = feedRoom;
    }
    feed.run();
  }

  void machineStopped() {
    hub.endWaits();
    roomAvailable();
  }
}
