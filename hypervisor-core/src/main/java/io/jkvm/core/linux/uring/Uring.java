// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/** A ring of the kernel's. Nothing may be under way any more when it is closed. */
public final class Uring implements IoRing {
  private static final long SQES_OFFSET = 0x10000000L;
  private static final int LEAST_ENTRIES = 8;
  private static final int MAX_REFUSALS = 16;

  private static final int WANTED_FLAGS =
      UringParams.SETUP_SUBMIT_ALL
          | UringParams.SETUP_COOP_TASKRUN
          | UringParams.SETUP_TASKRUN_FLAG;

  private static final int NEEDED_FEATURES =
      UringParams.FEATURE_SINGLE_MMAP
          | UringParams.FEATURE_NODROP
          | UringParams.FEATURE_SUBMIT_STABLE
          | UringParams.FEATURE_NATIVE_WORKERS;

  /** The system call that submits, for tests of what it may answer. */
  @FunctionalInterface
  interface Enter {
    int enter(int fd, int toSubmit, int minComplete, int flags);
  }

  private final Fd fd;
  private final Mapping rings;
  private final Mapping table;
  private final SubmissionQueue submissions;
  private final CompletionQueue completions;
  private final int entries;
  private final Enter enter;
  private boolean closed;

  private Uring(Fd fd, UringParams params, Enter enter) throws LinuxException {
    this.fd = fd;
    this.enter = enter;
    entries = params.sqEntries();
    long ringBytes =
        Math.max(
            params.sqArray() + 4L * params.sqEntries(),
            params.cqes() + (long) CompletionQueue.CQE_BYTES * params.cqEntries());
    long tableBytes = (long) SubmissionQueue.SQE_BYTES * params.sqEntries();
    rings = Mapping.shared("rings of io_uring", fd, 0, ringBytes);
    Mapping mapped = null;
    boolean whole = false;
    try {
      mapped = Mapping.shared("requests of io_uring", fd, SQES_OFFSET, tableBytes);
      submissions =
          new SubmissionQueue(params, rings.buffer(0, ringBytes), mapped.buffer(0, tableBytes));
      completions = new CompletionQueue(params, rings.buffer(0, ringBytes));
      whole = true;
    } finally {
      if (!whole && mapped != null) {
        mapped.close();
      }
      if (!whole) {
        rings.close(); // a mapping keeps the ring, whatever becomes of its descriptor
      }
    }
    table = mapped;
  }

  /**
   * Opens a ring. Where the host has no memory for so many entries, fewer do: rings that were
   * closed lately still count against the limit on locked memory for a moment.
   *
   * @param entries how many requests may be under way, a power of two from 8
   * @throws LinuxException ENOSYS, EPERM where io_uring is not allowed, ENOMEM, EMFILE, or
   *     EOPNOTSUPP for a kernel before 5.12
   */
  public static Uring open(int entries) throws LinuxException {
    return open(entries, UringCall::enter);
  }

  static Uring open(int entries, Enter enter) throws LinuxException {
    if (entries < LEAST_ENTRIES || Integer.bitCount(entries) != 1) {
      throw new IllegalArgumentException(entries + " entries");
    }
    int flags = WANTED_FLAGS;
    int wanted = entries;
    while (true) {
      UringParams params = new UringParams(flags);
      int result = UringCall.setup(wanted, params.address());
      Reference.reachabilityFence(params.buffer());
      if (result >= 0) {
        return map(new Fd(result), params, enter);
      }
      if (result == -Errno.EINVAL && flags != 0) {
        flags = 0; // before Linux 5.19
      } else if (result == -Errno.ENOMEM && wanted > LEAST_ENTRIES) {
        wanted /= 2;
      } else {
        throw new LinuxException("io_uring_setup", -result);
      }
    }
  }

  private static Uring map(Fd fd, UringParams params, Enter enter) throws LinuxException {
    Uring ring = null;
    try {
      if ((params.features() & NEEDED_FEATURES) != NEEDED_FEATURES) {
        throw new LinuxException("io_uring_setup before Linux 5.12", Errno.EOPNOTSUPP);
      }
      ring = new Uring(fd, params, enter);
      return ring;
    } finally {
      if (ring == null) {
        fd.close();
      }
    }
  }

  @Override
  public void registerEventFd(EventFd eventFd) throws LinuxException {
    checkOpen();
    NativeMemory number = new NativeMemory(4);
    number.buffer().putInt(0, eventFd.fd().value());
    register("IORING_REGISTER_EVENTFD", UringCall.REGISTER_EVENTFD, number, 1);
  }

  @Override
  public void unregisterEventFd() {
    checkOpen();
    UringCall.register(fd.value(), UringCall.UNREGISTER_EVENTFD, 0, 0);
  }

  /**
   * Bounds the kernel's threads for what can't be done without one that waits, for each NUMA node.
   *
   * @param bounded for reads and writes of files
   * @param unbounded for everything else
   * @throws LinuxException before Linux 5.15
   */
  public void maxWorkers(int bounded, int unbounded) throws LinuxException {
    NativeMemory counts = new NativeMemory(8);
    counts.buffer().putInt(0, bounded).putInt(4, unbounded);
    register("IORING_REGISTER_IOWQ_MAX_WORKERS", UringCall.REGISTER_IOWQ_MAX_WORKERS, counts, 2);
  }

  private void register(String name, int operation, NativeMemory argument, int count)
      throws LinuxException {
    int result = UringCall.register(fd.value(), operation, argument.address(), count);
    Reference.reachabilityFence(argument);
    if (result < 0) {
      throw new LinuxException(name, -result);
    }
  }

  @Override
  public int entries() {
    return entries;
  }

  @Override
  public boolean prepareRead(int file, long iovecs, int count, long offset, long userData) {
    checkOpen();
    return submissions.prepare(SubmissionQueue.OP_READV, file, iovecs, count, offset, userData);
  }

  @Override
  public boolean prepareWrite(int file, long iovecs, int count, long offset, long userData) {
    checkOpen();
    return submissions.prepare(SubmissionQueue.OP_WRITEV, file, iovecs, count, offset, userData);
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the ring is closed"); // its memory is another's by now
    }
  }

  @Override
  public int prepared() {
    checkOpen();
    return submissions.prepared();
  }

  @Override
  public int submit() {
    checkOpen();
    submissions.publish();
    int refusals = 0;
    for (int left = submissions.prepared(); left > 0; ) {
      int result = enter.enter(fd.value(), left, 0, 0);
      // The kernel takes fewer than it is asked to where one of them fails early or memory is
      // short; how many, its own index says.
      int stillLeft = submissions.prepared();
      if (stillLeft < left) {
        refusals = 0;
      } else if (result != -Errno.EINTR && result < 0) {
        return result;
      } else if (++refusals == MAX_REFUSALS) {
        return -Errno.EAGAIN;
      }
      left = stillLeft;
    }
    return 0;
  }

  @Override
  public long takeBack() {
    checkOpen();
    return submissions.takeBack();
  }

  @Override
  public boolean hasCompletion() {
    checkOpen();
    if (completions.isEmpty() && submissions.wantsEnter()) {
      enter.enter(fd.value(), 0, 0, UringCall.ENTER_GETEVENTS);
    }
    return !completions.isEmpty();
  }

  @Override
  public boolean next() {
    checkOpen();
    return completions.next();
  }

  @Override
  public long userData() {
    return completions.userData();
  }

  @Override
  public int result() {
    return completions.result();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      table.close();
      rings.close();
      fd.close();
    }
  }
}
