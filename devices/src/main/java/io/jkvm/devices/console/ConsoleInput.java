// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.PollSet;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The thread that carries a descriptor's bytes to a guest's port, and never reads more than it has
 * a place for: nothing is lost, whatever the guest does not take stays with the descriptor, where
 * it holds back whoever writes.
 *
 * <p>From a pipe ({@link #ofPipe}) only as much is read as the guest takes, so that what it leaves
 * is there for the next reader.
 *
 * <p>From a terminal ({@link #ofTerminal}) it reads ahead, {@value #AHEAD_BYTES} bytes, because a
 * person's commands to the machine, which a {@link KeyFilter} picks out, must work while the guest
 * takes nothing. That is more than anybody types. After a paste of as much to a guest that takes
 * nothing at all, reading stops: a command behind the paste is seen when the guest takes something,
 * and until then the machine can only be stopped in other ways.
 *
 * <p>Before each read it asks whether the terminal is ours: the kernel stops a process that reads
 * from the background. Nobody tells when that changes, so it asks again every {@value
 * #ASK_MILLISECONDS} ms while the answer is no.
 *
 * <p>A filter that throws lets its keys through, and a sink that throws loses its bytes: input goes
 * on.
 */
public final class ConsoleInput implements AutoCloseable {
  private static final int INPUT = 0;
  private static final int WAKE = 1;
  private static final int READ_BYTES = 256;
  private static final int AHEAD_BYTES = 64 << 10;

  /** A guest may refuse bytes without a word when it has room again, as while it resets. */
  private static final int RETRY_MILLISECONDS = 20;

  private static final int ASK_MILLISECONDS = 100;

  private static final long CLOSE_MILLISECONDS = 1000;

  /** Where input goes. */
  public interface Sink {
    /** Takes as many bytes as fit, from the front, and returns how many. */
    int receive(byte[] bytes, int from, int length);
  }

  private final Fd source;
  private final Sink sink;
  private final Optional<KeyFilter> filter;
  private final BooleanSupplier mayRead;
  private final EventFd wake = new EventFd();
  private final WorkerThread thread;
  private final LogLimit filterFailures = new LogLimit(ConsoleInput.class, 1);
  private final LogLimit sourceFailures = new LogLimit(ConsoleInput.class, 1);
  private final LogLimit sinkFailures = new LogLimit(ConsoleInput.class, 1);

  /** Written with the monitor held, which whoever signals holds too: close() ends the eventfd. */
  private volatile boolean closing;

  // Of the thread only: bytes that the guest has not taken yet, from the front.
  private final byte[] waiting;
  private int waitingBytes;

  private ConsoleInput(
      String machine, Fd source, Sink sink, Optional<KeyFilter> filter, BooleanSupplier mayRead)
      throws LinuxException {
    this.source = source;
    this.sink = sink;
    this.filter = filter;
    this.mayRead = mayRead;
    waiting = new byte[filter.isPresent() ? AHEAD_BYTES : READ_BYTES];
    thread = new WorkerThread(machine + "/console-in", this::run);
  }

  /**
   * Input that is passed on as it is.
   *
   * @param machine the machine's name, for the thread
   * @param source is not closed here, and must stay open until this is closed
   */
  public static ConsoleInput ofPipe(String machine, Fd source, Sink sink) throws LinuxException {
    return new ConsoleInput(machine, source, sink, Optional.empty(), () -> true);
  }

  /**
   * Input of a person, whose commands to the machine {@code filter} picks out.
   *
   * @param mayRead whether the terminal may be read now
   */
  public static ConsoleInput ofTerminal(
      String machine, Fd source, Sink sink, KeyFilter filter, BooleanSupplier mayRead)
      throws LinuxException {
    return new ConsoleInput(machine, source, sink, Optional.of(filter), mayRead);
  }

  /** Starts to read. */
  public void start() {
    thread.start();
  }

  /** To be called when the guest has made room, or {@code mayRead} may have changed. */
  public synchronized void roomAvailable() {
    if (!closing) {
      wake.signal();
    }
  }

  private void run() {
    NativeMemory buffer = new NativeMemory(READ_BYTES);
    PollSet ready = new PollSet(2);
    ready.watch(WAKE, wake.fd().value(), PollSet.READABLE);
    boolean ended = false;
    while (!closing && !(ended && waitingBytes == 0)) {
      boolean wanted = !ended && hasPlace();
      boolean reads = wanted && mayRead.getAsBoolean();
      if (reads) {
        ready.watch(INPUT, source.value(), PollSet.READABLE);
      } else {
        ready.ignore(INPUT);
      }
      ready.poll(milliseconds(wanted && !reads));
      if (ready.isReady(WAKE)) {
        wake.clear();
      }
      if (ready.isReady(INPUT) && mayRead.getAsBoolean()) {
        long count = FileIo.read(source.value(), buffer.address(), READ_BYTES);
        if (count > 0) {
          keep(buffer.buffer(), (int) count);
        } else if (count != -Errno.EAGAIN) {
          ended = true; // the guest runs on without
          tellFailure((int) -count);
        }
      }
      deliver();
    }
  }

  /** How long to wait if nothing happens; negative is for ever. */
  private int milliseconds(boolean askAgain) {
    if (waitingBytes > 0) {
      return RETRY_MILLISECONDS;
    }
    return askAgain ? ASK_MILLISECONDS : -1;
  }

  /** A script that ends in its midst looks like a whole one to the guest. */
  private void tellFailure(int errno) {
    boolean isEnd =
        errno == 0
            || errno == Errno.EBADF // closed, as was wanted
            || errno == Errno.EIO && filter.isPresent(); // the terminal is gone
    if (!isEnd) {
      sourceFailures.warn(thread.name(), "read: " + Errno.name(errno) + "; no more is typed");
    }
  }

  /** True if there is a place for whatever one read brings. */
  private boolean hasPlace() {
    return filter.isPresent()
        ? waiting.length - waitingBytes >= READ_BYTES + KeyFilter.MAX_HELD_BACK
        : waitingBytes == 0;
  }

  private void keep(ByteBuffer read, int count) {
    byte[] bytes = new byte[count];
    read.get(0, bytes);
    byte[] passed = bytes;
    int length = count;
    if (filter.isPresent()) {
      try {
        byte[] filtered = new byte[count + KeyFilter.MAX_HELD_BACK];
        length = filter.get().filter(bytes.clone(), count, filtered);
        Objects.checkFromIndexSize(0, length, filtered.length);
        passed = filtered;
      } catch (RuntimeException e) {
        filterFailures.warn(thread.name() + ": the filter of keys", e.toString());
        length = count;
      }
    }
    System.arraycopy(passed, 0, waiting, waitingBytes, length);
    waitingBytes += length;
  }

  private void deliver() {
    if (waitingBytes > 0) {
      int taken = give();
      System.arraycopy(waiting, taken, waiting, 0, waitingBytes - taken);
      waitingBytes -= taken;
    }
  }

  private int give() {
    try {
      return Objects.checkIndex(sink.receive(waiting, 0, waitingBytes), waitingBytes + 1);
    } catch (RuntimeException e) {
      sinkFailures.warn(thread.name() + ": the taker of input", e.toString());
      return waitingBytes;
    }
  }

  /** Ends the thread; calling it twice is harmless. */
  @Override
  public void close() {
    synchronized (this) {
      if (closing) {
        return;
      }
      closing = true;
      wake.signal();
    }
    if (thread.join(CLOSE_MILLISECONDS)) {
      wake.close();
    }
  }
}
