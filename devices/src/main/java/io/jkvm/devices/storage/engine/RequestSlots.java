// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import java.util.function.IntFunction;

/**
 * The requests of an engine, all made beforehand, so that none ever fails for want of memory. Used
 * by one thread at a time.
 */
final class RequestSlots {
  private static final int MAX_SEGMENTS = DiskRequest.MAX_SEGMENTS;

  private final DiskRequest[] all;
  private final DiskRequest[] free;
  private int freeCount;

  /** Null where the lists are not in a mapping. */
  private final Mapping lists;

  private RequestSlots(int count, Mapping lists, IntFunction<IoVector> data) {
    this.lists = lists;
    all = new DiskRequest[count];
    free = new DiskRequest[count];
    for (int i = 0; i < count; i++) {
      all[i] = new DiskRequest(i, data.apply(i));
      free[i] = all[i];
    }
    freeCount = count;
  }

  /** A single one, for requests that are finished when they are submitted. */
  static RequestSlots single() {
    return new RequestSlots(1, null, i -> new IoVector(MAX_SEGMENTS));
  }

  /** Several; their lists of ranges take host memory when they are first used. */
  static RequestSlots several(int count) throws LinuxException {
    long each = IoVector.bytes(MAX_SEGMENTS);
    Mapping lists = Mapping.anonymous(count * each);
    RequestSlots slots = null;
    try {
      slots = new RequestSlots(count, lists, i -> new IoVector(lists, i * each, MAX_SEGMENTS));
      return slots;
    } finally {
      if (slots == null) {
        lists.close();
      }
    }
  }

  int capacity() {
    return all.length;
  }

  int inUse() {
    return all.length - freeCount;
  }

  DiskRequest acquire() {
    if (freeCount == 0) {
      return null;
    }
    DiskRequest request = free[--freeCount];
    request.reuse();
    return request;
  }

  void release(DiskRequest request) {
    free[freeCount++] = request;
  }

  /** The request that a token names; null if it is of another use of the slot. */
  DiskRequest of(long token) {
    int index = (int) token;
    return index >= 0 && index < all.length && all[index].token() == token ? all[index] : null;
  }

  /** No request may be in use, nor be used again. */
  void close() {
    if (lists != null) {
      lists.close();
    }
  }
}
