// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The ring of requests, written by this process and read by the kernel in {@code io_uring_enter}
 * alone, since no kernel thread polls it.
 *
 * <pre>
 * struct io_uring_sqe {            offset
 *   __u8 opcode, flags;               0, 1
 *   __u16 ioprio; __s32 fd;           2, 4
 *   __u64 off, addr;                  8, 16
 *   __u32 len, rw_flags;             24, 28
 *   __u64 user_data;                 32
 *   ...                              40, zero here
 * };                                 64 in all
 * </pre>
 */
final class SubmissionQueue {
  static final int SQE_BYTES = 64;
  static final int OP_READV = 1;
  static final int OP_WRITEV = 2;

  static final int FLAG_CQ_OVERFLOW = 1 << 1;
  static final int FLAG_TASKRUN = 1 << 2;

  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer ring;
  private final ByteBuffer sqes;
  private final int mask;
  private final int headAt;
  private final int tailAt;
  private final int flagsAt;

  /** What was prepared, counted with wrap; the kernel sees it with {@link #publish}. */
  private int tail;

  SubmissionQueue(UringParams params, ByteBuffer ring, ByteBuffer sqes) {
    this.ring = ring;
    this.sqes = sqes;
    mask = params.sqEntries() - 1;
    headAt = params.sqHead();
    tailAt = params.sqTail();
    flagsAt = params.sqFlags();
    for (int i = 0; i <= mask; i++) {
      ring.putInt(params.sqArray() + 4 * i, i); // an entry of the ring is that of the table
    }
  }

  private int headAcquire() {
    return (int) U32.getAcquire(ring, headAt);
  }

  /** How many the kernel has not taken yet. */
  int prepared() {
    return tail - headAcquire();
  }

  /**
   * Prepares a transfer.
   *
   * @param opcode {@link #OP_READV} or {@link #OP_WRITEV}
   */
  boolean prepare(int opcode, int fd, long iovecs, int count, long offset, long userData) {
    if (prepared() > mask) {
      return false;
    }
    int at = (tail & mask) * SQE_BYTES;
    sqes.putLong(at, opcode | (long) fd << 32);
    sqes.putLong(at + 8, offset);
    sqes.putLong(at + 16, iovecs);
    sqes.putLong(at + 24, count);
    sqes.putLong(at + 32, userData);
    tail++;
    return true;
  }

  long takeBack() {
    if (prepared() <= 0) {
      throw new IllegalStateException("nothing is prepared");
    }
    tail--;
    publish();
    return sqes.getLong((tail & mask) * SQE_BYTES + 32);
  }

  /** Shows the kernel all that is prepared. */
  void publish() {
    U32.setRelease(ring, tailAt, tail);
  }

  /** Whether completions wait for a system call of this thread before they show. */
  boolean wantsEnter() {
    return ((int) U32.getOpaque(ring, flagsAt) & (FLAG_TASKRUN | FLAG_CQ_OVERFLOW)) != 0;
  }
}
