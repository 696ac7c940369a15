// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.memory;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Guest RAM: bounds-checked little-endian access by guest-physical address.
 *
 * <p>Addresses and lengths are unsigned 64-bit numbers that may come from the guest unchecked; any
 * access that is not wholly inside RAM throws {@link GuestFault} and touches nothing. Accesses that
 * name an ordering need natural alignment. Nothing here allocates except {@link #slice} and {@link
 * #view}. Must not be used after {@link #close}.
 */
public final class GuestMemory implements AutoCloseable {
  /** RAM above this much moves to 4 GiB and up: the gap is for devices (PC convention). */
  public static final long LOW_RAM_LIMIT = 3L << 30;

  /** Where RAM goes on after the gap. */
  public static final long HIGH_RAM_START = 4L << 30;

  private static final int CHUNK_SHIFT = 30;
  private static final long CHUNK_BYTES = 1L << CHUNK_SHIFT;

  /** Chunks overlap by this much so that no scalar access straddles two of them. */
  private static final int OVERLAP_BYTES = 8;

  private static final VarHandle U16 =
      MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle U32 =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle U64 =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final List<GuestRegion> regions;
  private final ByteBuffer[] chunks;

  private GuestMemory(List<GuestRegion> regions) {
    this.regions = List.copyOf(regions);
    long end = 0;
    for (GuestRegion region : regions) {
      end = Math.max(end, region.end());
    }
    chunks = new ByteBuffer[(int) ((end + CHUNK_BYTES - 1) >>> CHUNK_SHIFT)];
    for (GuestRegion region : regions) {
      for (long offset = 0; offset < region.length(); offset += CHUNK_BYTES) {
        long size = Math.min(CHUNK_BYTES + OVERLAP_BYTES, region.length() - offset);
        int index = (int) ((region.guestPhysicalAddress() + offset) >>> CHUNK_SHIFT);
        chunks[index] = region.mapping().buffer(offset, size);
      }
    }
  }

  /**
   * Allocates RAM from address 0, split around the gap between 3 GiB and 4 GiB.
   *
   * @param sizeBytes a multiple of 4096, more than 0
   * @throws LinuxException if the host can't map that much
   */
  public static GuestMemory allocate(long sizeBytes) throws LinuxException {
    if (sizeBytes <= 0 || sizeBytes % 4096 != 0) {
      throw new IllegalArgumentException("RAM of " + sizeBytes + " bytes");
    }
    List<GuestRegion> regions = new ArrayList<>();
    try {
      regions.add(new GuestRegion(0, Mapping.anonymousHuge(Math.min(sizeBytes, LOW_RAM_LIMIT))));
      if (sizeBytes > LOW_RAM_LIMIT) {
        regions.add(
            new GuestRegion(HIGH_RAM_START, Mapping.anonymousHuge(sizeBytes - LOW_RAM_LIMIT)));
      }
      return new GuestMemory(regions);
    } catch (LinuxException | RuntimeException e) {
      regions.forEach(region -> region.mapping().close());
      throw e;
    }
  }

  /** The regions by rising address: one, or two when RAM reaches above the gap. */
  public List<GuestRegion> regions() {
    return regions;
  }

  /** All RAM, in bytes. */
  public long sizeBytes() {
    return regions.stream().mapToLong(GuestRegion::length).sum();
  }

  /**
   * True if all of {@code [address, address + length)} is RAM of one region; true for length 0
   * inside RAM.
   */
  public boolean contains(long address, long length) {
    for (int i = 0; i < regions.size(); i++) {
      if (regions.get(i).contains(address, length)) {
        return true;
      }
    }
    return false;
  }

  /** Throws unless {@link #contains} holds. */
  public void checkRange(long address, long length) throws GuestFault {
    if (!contains(address, length)) {
      throw outside(address, length);
    }
  }

  /**
   * The host address of a range, for system calls that work on guest RAM in place.
   *
   * @throws GuestFault if the range is not wholly inside RAM
   */
  public long hostAddress(long address, long length) throws GuestFault {
    for (int i = 0; i < regions.size(); i++) {
      GuestRegion region = regions.get(i);
      if (region.contains(address, length)) {
        return region.mapping().address() + address - region.guestPhysicalAddress();
      }
    }
    throw outside(address, length);
  }

  /** Reads an unsigned byte. */
  public int readU8(long address) throws GuestFault {
    return chunk(address, 1).get(offset(address)) & 0xff;
  }

  public void writeU8(long address, int value) throws GuestFault {
    chunk(address, 1).put(offset(address), (byte) value);
  }

  /** Reads an unsigned 16-bit number. */
  public int readU16(long address) throws GuestFault {
    return chunk(address, 2).getShort(offset(address)) & 0xffff;
  }

  public void writeU16(long address, int value) throws GuestFault {
    chunk(address, 2).putShort(offset(address), (short) value);
  }

  /** Reads an unsigned 16-bit number with acquire ordering; the address must be even. */
  public int readU16Acquire(long address) throws GuestFault {
    return (short) U16.getAcquire(chunk(aligned(address, 2), 2), offset(address)) & 0xffff;
  }

  /** Writes a 16-bit number with release ordering; the address must be even. */
  public void writeU16Release(long address, int value) throws GuestFault {
    U16.setRelease(chunk(aligned(address, 2), 2), offset(address), (short) value);
  }

  /** Reads a 32-bit number; its sign bit is the guest's bit 31. */
  public int readU32(long address) throws GuestFault {
    return chunk(address, 4).getInt(offset(address));
  }

  public void writeU32(long address, int value) throws GuestFault {
    chunk(address, 4).putInt(offset(address), value);
  }

  /** Writes a 32-bit number with release ordering; the address must be a multiple of 4. */
  public void writeU32Release(long address, int value) throws GuestFault {
    U32.setRelease(chunk(aligned(address, 4), 4), offset(address), value);
  }

  /** Reads a 64-bit number; its sign bit is the guest's bit 63. */
  public long readU64(long address) throws GuestFault {
    return chunk(address, 8).getLong(offset(address));
  }

  public void writeU64(long address, long value) throws GuestFault {
    chunk(address, 8).putLong(offset(address), value);
  }

  /**
   * Replaces a 64-bit number if it is the expected one, atomically; the address must be a multiple
   * of 8.
   *
   * @return false if it was another
   */
  public boolean compareAndSetU64(long address, long expected, long value) throws GuestFault {
    return U64.compareAndSet(chunk(aligned(address, 8), 8), offset(address), expected, value);
  }

  /** Copies out of RAM. */
  public void read(long address, byte[] target, int from, int length) throws GuestFault {
    copy(address, target, from, length, ByteBuffer::get);
  }

  /** Copies into RAM. */
  public void write(long address, byte[] source, int from, int length) throws GuestFault {
    copy(address, source, from, length, ByteBuffer::put);
  }

  /** Copies out of RAM; the target's position does not matter and stays. */
  public void read(long address, ByteBuffer target, int from, int length) throws GuestFault {
    copy(address, target, from, length, (ram, at, to, i, part) -> to.put(i, ram, at, part));
  }

  /** Copies into RAM; the source's position does not matter and stays. */
  public void write(long address, ByteBuffer source, int from, int length) throws GuestFault {
    copy(address, source, from, length, ByteBuffer::put);
  }

  /** Copies between RAM and an array or buffer; none captures anything, so none is allocated. */
  private interface Copy<T> {
    void copy(ByteBuffer ram, int at, T other, int from, int length);
  }

  private <T> void copy(long address, T other, int from, int length, Copy<T> copy)
      throws GuestFault {
    ByteBuffer chunk = chunk(address, 0);
    if (length > chunk.limit() - offset(address)) {
      checkRange(address, length); // all of it or nothing
    }
    int done = 0;
    while (true) {
      int at = offset(address + done);
      int part = Math.min(length - done, chunk.limit() - at);
      copy.copy(chunk, at, other, from + done, part);
      done += part;
      if (done >= length) {
        return;
      }
      chunk = chunks[(int) ((address + done) >>> CHUNK_SHIFT)];
    }
  }

  /**
   * A fresh little-endian view of RAM for channel I/O and bulk work while loading; it must not
   * outlive this object. It may not cross a multiple of 1 GiB unless by less than 8 bytes.
   */
  public ByteBuffer slice(long address, int length) throws GuestFault {
    checkRange(address, length);
    ByteBuffer chunk = chunks[(int) (address >>> CHUNK_SHIFT)];
    if (length > chunk.limit() - offset(address)) {
      throw new IllegalArgumentException("slice crosses 1 GiB: 0x" + Long.toHexString(address));
    }
    return chunk.slice(offset(address), length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * A little-endian view of any range, for structures that are used again and again, such as rings;
   * it must not outlive this object.
   */
  public ByteBuffer view(long address, int length) throws GuestFault {
    for (GuestRegion region : regions) {
      if (region.contains(address, length)) {
        return region.mapping().buffer(address - region.guestPhysicalAddress(), length);
      }
    }
    throw outside(address, length);
  }

  /** Unmaps the RAM. The VM, its vCPUs and every worker must be gone. */
  @Override
  public void close() {
    regions.forEach(region -> region.mapping().close());
  }

  private ByteBuffer chunk(long address, int size) throws GuestFault {
    long index = address >>> CHUNK_SHIFT;
    if (index < chunks.length) {
      ByteBuffer chunk = chunks[(int) index];
      if (chunk != null && offset(address) <= chunk.limit() - size) {
        return chunk;
      }
    }
    throw outside(address, size);
  }

  private static int offset(long address) {
    return (int) (address & (CHUNK_BYTES - 1));
  }

  private static long aligned(long address, int size) throws GuestFault {
    if ((address & (size - 1)) != 0) {
      throw new GuestFault("misaligned access at 0x" + Long.toHexString(address));
    }
    return address;
  }

  private static GuestFault outside(long address, long length) {
    return new GuestFault(
        "0x"
            + Long.toHexString(address)
            + " + "
            + Long.toUnsignedString(length)
            + " bytes is not guest RAM");
  }
}
