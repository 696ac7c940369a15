// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The ring of results, written by the kernel.
 *
 * <pre>
 * struct io_uring_cqe {            offset
 *   __u64 user_data;                  0
 *   __s32 res; __u32 flags;           8, 12
 * };                                 16 in all
 * </pre>
 */
final class CompletionQueue {
  static final int CQE_BYTES = 16;

  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer ring;
  private final int mask;
  private final int headAt;
  private final int tailAt;
  private final int cqesAt;
  private int head;
  private long userData;
  private int result;

  CompletionQueue(UringParams params, ByteBuffer ring) {
    this.ring = ring;
    mask = params.cqEntries() - 1;
    headAt = params.cqHead();
    tailAt = params.cqTail();
    cqesAt = params.cqes();
  }

  boolean isEmpty() {
    return (int) U32.getAcquire(ring, tailAt) == head;
  }

  boolean next() {
    if (isEmpty()) {
      return false;
    }
    int at = cqesAt + (head & mask) * CQE_BYTES;
    userData = ring.getLong(at);
    result = ring.getInt(at + 8);
    head++;
    U32.setRelease(ring, headAt, head);
    return true;
  }

  long userData() {
    return userData;
  }

  int result() {
    return result;
  }
}
