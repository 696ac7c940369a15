// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.storage.BlockBackend;
import java.io.IOException;

/**
 * A request to a disk, one of a fixed number that are used again and again. Its user's until {@link
 * DiskEngine#submit} and again when it is finished; the engine's in between. Offsets and lengths
 * have been checked by whoever fills it.
 */
public final class DiskRequest {
  /** The most memory ranges that a request's data may have. */
  public static final int MAX_SEGMENTS = 256;

  /** The most ranges of the disk that a request can clear. */
  public static final int MAX_RANGES = 32;

  /** What is to be done. */
  public enum Operation {
    READ,
    WRITE,
    FLUSH,
    DISCARD,
    WRITE_ZEROES
  }

  private final int index;
  private final IoVector data;
  private final long[] rangeOffsets = new long[MAX_RANGES];
  private final long[] rangeLengths = new long[MAX_RANGES];
  private final boolean[] rangeUnmaps = new boolean[MAX_RANGES];
  private int generation;
  private Operation operation;
  private long start;
  private long bytes;
  private int ranges;
  private Throwable failure;

  /** In whichever list the request is at the time. */
  DiskRequest next;

  /** Where it goes when a thread has finished it. */
  Completions home;

  /** Which submission to a ring it was a part of. */
  int batch;

  DiskRequest(int index, IoVector data) {
    this.index = index;
    this.data = data;
  }

  /** From 0; no two requests of an engine have the same. */
  public int index() {
    return index;
  }

  /** Begins anew with a flush. */
  public void flush() {
    begin(Operation.FLUSH, 0);
  }

  /**
   * Begins anew with a read, into what is then put into {@link #data}.
   *
   * @param offset in bytes
   */
  public void read(long offset) {
    begin(Operation.READ, offset);
  }

  /** The same with a write of {@link #data}. */
  public void write(long offset) {
    begin(Operation.WRITE, offset);
  }

  /** The same with the discard of ranges that are then added. */
  public void discard() {
    begin(Operation.DISCARD, 0);
  }

  /** The same with zeroes for ranges that are then added. */
  public void writeZeroes() {
    begin(Operation.WRITE_ZEROES, 0);
  }

  private void begin(Operation newOperation, long offset) {
    operation = newOperation;
    start = offset;
    failure = null;
    ranges = 0;
    data.clear();
  }

  /** A range to clear, in bytes; one of 0 bytes is left out. */
  public void addRange(long offset, long length, boolean mayUnmap) {
    if (length > 0) {
      rangeOffsets[ranges] = offset;
      rangeLengths[ranges] = length;
      rangeUnmaps[ranges] = mayUnmap;
      ranges++;
    }
  }

  public Operation operation() {
    return operation;
  }

  /** Where the data of a read goes to and of a write comes from; loses what was transferred. */
  public IoVector data() {
    return data;
  }

  /** Why a finished request failed; null if it did not. */
  public Throwable failure() {
    return failure;
  }

  void fail(Throwable why) {
    failure = why;
  }

  /** Where the rest of a transfer begins, in bytes. */
  long position() {
    return start + bytes - data.remainingBytes();
  }

  /** The data is complete. */
  void submitted() {
    bytes = data.remainingBytes();
  }

  /** Tells this use of the request from all others in {@link #token}. */
  void reuse() {
    generation++;
  }

  /** The index and the generation in one number. */
  long token() {
    return (long) generation << 32 | index;
  }

  /** Carries out what is left of it; never throws. */
  void carryOut(BlockBackend backend) {
    try {
      switch (operation) {
        case READ:
          backend.read(data, position());
          break;
        case WRITE:
          backend.write(data, position());
          break;
        case DISCARD:
          for (int i = 0; i < ranges; i++) {
            backend.discard(rangeOffsets[i], rangeLengths[i]);
          }
          break;
        case WRITE_ZEROES:
          for (int i = 0; i < ranges; i++) {
            backend.writeZeroes(rangeOffsets[i], rangeLengths[i], rangeUnmaps[i]);
          }
          break;
        default:
          throw new IOException("a flush that nobody leads");
      }
    } catch (Throwable e) { // a driver that gets no answer waits for ever
      fail(e);
    }
  }
}
