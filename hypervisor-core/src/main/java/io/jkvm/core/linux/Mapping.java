// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicBoolean;

/** A range of this process's address space made by mmap, unmapped once by {@link #close}. */
public final class Mapping implements AutoCloseable {
  private static final long MAX_BUFFER_BYTES = (1L << 30) + 4096;
  private static final long HUGE_PAGE_BYTES = 2 << 20;
  private static final long GUARD_BYTES = 4096;
  private static final int READ_WRITE = Libc.PROT_READ | Libc.PROT_WRITE;
  private static final int ANONYMOUS = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE;
  private static final int MADV_DONTFORK = 10;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_DONTDUMP = 16;

  private final long address;
  private final long length;
  private final long guard;
  private final AtomicBoolean closed = new AtomicBoolean();

  private Mapping(long address, long length, long guard) {
    this.address = address;
    this.length = length;
    this.guard = guard;
  }

  /** Maps zeroed private memory whose pages come into being when they are first touched. */
  public static Mapping anonymous(long length) throws LinuxException {
    String call = "mmap of " + length + " bytes";
    return new Mapping(mmap(call, 0, length, READ_WRITE, ANONYMOUS), length, 0);
  }

  /**
   * The same for guest RAM: aligned to 2 MiB and in huge pages where the host has them free, for
   * fewer page faults and shorter walks of nested page tables; not in core dumps, and not in a
   * child that is forked, where a guest's every write would copy a page. On both sides is a page
   * that nothing can touch: an access that runs over an end crashes and corrupts nothing.
   */
  public static Mapping anonymousHuge(long length) throws LinuxException {
    String call = "mmap of " + length + " bytes";
    long wideLength = length + HUGE_PAGE_BYTES + 2 * GUARD_BYTES;
    long wide = mmap(call, 0, wideLength, Libc.PROT_NONE, ANONYMOUS);
    long start = (wide + GUARD_BYTES + HUGE_PAGE_BYTES - 1) & -HUGE_PAGE_BYTES;
    Mapping memory = new Mapping(start, length, GUARD_BYTES);
    unmap(wide, start - GUARD_BYTES);
    unmap(start + length + GUARD_BYTES, wide + wideLength);
    try {
      mmap(call, start, length, READ_WRITE, ANONYMOUS | Libc.MAP_FIXED);
    } catch (LinuxException e) {
      memory.close();
      throw e;
    }
    Libc.madvise(start, length, MADV_HUGEPAGE); // advice: a host without huge pages refuses
    Libc.madvise(start, length, MADV_DONTFORK);
    Libc.madvise(start, length, MADV_DONTDUMP);
    return memory;
  }

  private static void unmap(long start, long end) {
    if (end > start) {
      Libc.munmap(start, end - start);
    }
  }

  /** Maps the first {@code length} bytes of a descriptor, shared, for reading and writing. */
  public static Mapping shared(String what, Fd fd, long length) throws LinuxException {
    return shared(what, fd, 0, length);
  }

  /** The same from an offset on, a multiple of 4096. */
  public static Mapping shared(String what, Fd fd, long offset, long length) throws LinuxException {
    long address = Libc.mmap(0, length, READ_WRITE, Libc.MAP_SHARED, fd.value(), offset);
    return new Mapping(mapped("mmap of " + what, address), length, 0);
  }

  private static long mmap(String call, long wanted, long length, int protection, int flags)
      throws LinuxException {
    return mapped(call, Libc.mmap(wanted, length, protection, flags, -1, 0));
  }

  private static long mapped(String call, long address) throws LinuxException {
    if (address == -1) {
      throw LinuxException.last(call);
    }
    return address;
  }

  public long address() {
    return address;
  }

  /** The length in bytes. */
  public long length() {
    return length;
  }

  /**
   * A little-endian view of a part. The view does not keep the mapping alive: touching it after
   * {@link #close} crashes the process.
   *
   * @param size bytes, at most 1 GiB and a page (JNA on JDK 17 silently truncates above 2 GiB)
   */
  public ByteBuffer buffer(long offset, long size) {
    if (offset < 0 || size < 0 || size > MAX_BUFFER_BYTES || offset > length - size) {
      throw new IllegalArgumentException("no " + size + " bytes at " + offset + " of " + length);
    }
    return new Pointer(address + offset).getByteBuffer(0, size).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      unmap(address - guard, address + length + guard);
    }
  }
}
