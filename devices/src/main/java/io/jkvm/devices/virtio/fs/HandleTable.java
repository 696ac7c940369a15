// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import java.util.Arrays;
import java.util.function.Consumer;

/**
 * The files, or directories, that a guest has open, by numbers that it may make up. A number is not
 * given again before 2^31 others of its place. What is open is closed when it was released and
 * nobody uses it any more, so no request meets another file's descriptor. For any thread.
 *
 * @param <T> what is open
 */
final class HandleTable<T extends AutoCloseable> {
  private static final int FIRST_PLACES = 16;

  private final int limit;

  // Guarded by this.
  private Handle<?>[] places = new Handle<?>[FIRST_PLACES];
  private int[] generations = new int[FIRST_PLACES];
  private int used;

  /** Where to look for a free place first. */
  private int next;

  /** Something open, which stays so while it is being used. */
  static final class Handle<T> {
    private final T opened;
    private final long node;
    private int users;
    private boolean released;

    Handle(T opened, long node) {
      this.opened = opened;
      this.node = node;
    }

    T opened() {
      return opened;
    }
  }

  /** An empty table. */
  HandleTable(int limit) {
    this.limit = limit;
  }

  /** Takes a place; false if there is none. It is given back by {@link #add} or {@link #cancel}. */
  synchronized boolean reserve() {
    if (used == limit) {
      return false;
    }
    used++;
    return true;
  }

  /** Gives a place back that was not used. */
  synchronized void cancel() {
    used--;
  }

  /**
   * Fills the place that was taken.
   *
   * @param node what was opened
   * @return the number of the handle
   */
  synchronized long add(T opened, long node) {
    int place = freePlace();
    generations[place] = generations[place] + 1 & Integer.MAX_VALUE;
    places[place] = new Handle<>(opened, node);
    next = place + 1;
    return (long) generations[place] << 32 | place;
  }

  private int freePlace() {
    int length = places.length;
    for (int i = 0; i < length; i++) {
      int place = (next + i) % length;
      if (places[place] == null) {
        return place;
      }
    }
    places = Arrays.copyOf(places, 2 * length);
    generations = Arrays.copyOf(generations, 2 * length);
    return length;
  }

  /**
   * Begins to use what is open.
   *
   * @return null if there is no such handle, or it is not the node's; else {@link #done} must
   *     follow
   */
  synchronized Handle<T> use(long number, long node) {
    int place = place(number, node);
    if (place < 0) {
      return null;
    }
    Handle<T> handle = at(place);
    handle.users++;
    return handle;
  }

  private int place(long number, long node) {
    long place = number & 0xffff_ffffL;
    if (place >= places.length || number >>> 32 != generations[(int) place]) {
      return -1;
    }
    Handle<T> handle = at((int) place);
    return handle == null || handle.node != node ? -1 : (int) place;
  }

  @SuppressWarnings("unchecked") // there are no others in it
  private Handle<T> at(int place) {
    return (Handle<T>) places[place];
  }

  /** Ends the use. */
  void done(Handle<T> handle) {
    boolean last;
    synchronized (this) {
      handle.users--;
      last = handle.released && handle.users == 0;
    }
    if (last) {
      close(handle);
    }
  }

  /** Ends a handle; false if there is no such, or it is not the node's. */
  boolean release(long number, long node) {
    Handle<T> handle;
    synchronized (this) {
      int place = place(number, node);
      if (place < 0) {
        return false;
      }
      handle = remove(place);
    }
    if (handle != null) {
      close(handle);
    }
    return true;
  }

  /**
   * Ends all handles.
   *
   * @param onFailure hears of those that could not be closed
   */
  void releaseAll(Consumer<RuntimeException> onFailure) {
    int place = 0;
    while (true) {
      Handle<T> handle = null;
      synchronized (this) {
        while (place < places.length && places[place] == null) {
          place++;
        }
        if (place == places.length) {
          return;
        }
        handle = remove(place);
      }
      try {
        if (handle != null) {
          close(handle);
        }
      } catch (RuntimeException e) {
        onFailure.accept(e);
      }
    }
  }

  /** Frees a place; returns the handle if nobody uses it. With the monitor held. */
  private Handle<T> remove(int place) {
    Handle<T> handle = at(place);
    places[place] = null;
    used--;
    handle.released = true;
    return handle.users == 0 ? handle : null;
  }

  private static void close(Handle<?> handle) {
    try {
      ((AutoCloseable) handle.opened).close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e); // what a tree opens throws no checked exception
    }
  }

  /** How many handles there are. */
  synchronized int size() {
    return used;
  }
}
