// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;

/**
 * {@code struct io_uring_params} (include/uapi/linux/io_uring.h): what is asked of a new ring, and
 * where the kernel has put its parts.
 *
 * <pre>
 * struct io_uring_params {                          offset
 *   __u32 sq_entries, cq_entries, flags;               0, 4, 8
 *   __u32 sq_thread_cpu, sq_thread_idle;              12, 16
 *   __u32 features, wq_fd, resv[3];                   20, 24, 28
 *   struct io_sqring_offsets {                        40
 *     __u32 head, tail, ring_mask, ring_entries;        0, 4, 8, 12
 *     __u32 flags, dropped, array, resv1;              16, 20, 24, 28
 *     __u64 user_addr; };                              32
 *   struct io_cqring_offsets {                        80
 *     __u32 head, tail, ring_mask, ring_entries;        0, 4, 8, 12
 *     __u32 overflow, cqes, flags, resv1;              16, 20, 24, 28
 *     __u64 user_addr; };                              32
 * };                                               120 in all
 * </pre>
 */
final class UringParams {
  static final int SETUP_SUBMIT_ALL = 1 << 7;
  static final int SETUP_COOP_TASKRUN = 1 << 8;
  static final int SETUP_TASKRUN_FLAG = 1 << 9;

  static final int FEATURE_SINGLE_MMAP = 1;
  static final int FEATURE_NODROP = 1 << 1;
  static final int FEATURE_SUBMIT_STABLE = 1 << 2;
  static final int FEATURE_NATIVE_WORKERS = 1 << 9;

  private static final int BYTES = 120;
  private static final int FLAGS = 8;
  private static final int FEATURES = 20;
  private static final int SQ = 40;
  private static final int CQ = 80;

  private final NativeMemory memory = new NativeMemory(BYTES);

  UringParams(int setupFlags) {
    memory.buffer().putInt(FLAGS, setupFlags);
  }

  private int field(int offset) {
    return memory.buffer().getInt(offset);
  }

  long address() {
    return memory.address();
  }

  /** Keeps the memory in place for the system call before. */
  ByteBuffer buffer() {
    return memory.buffer();
  }

  int features() {
    return field(FEATURES);
  }

  int sqEntries() {
    return field(0);
  }

  int cqEntries() {
    return field(4);
  }

  int sqHead() {
    return field(SQ);
  }

  int sqTail() {
    return field(SQ + 4);
  }

  int sqFlags() {
    return field(SQ + 16);
  }

  int sqArray() {
    return field(SQ + 24);
  }

  int cqHead() {
    return field(CQ);
  }

  int cqTail() {
    return field(CQ + 4);
  }

  int cqes() {
    return field(CQ + 20);
  }
}
