// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.MsiVector;
import io.jkvm.core.irq.MsiVectors;
import io.jkvm.core.linux.LinuxException;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * MSI-X of one function (PCI Local Bus 3.0, section 6.8.2): capability, vector table and pending
 * bits, the latter two in a base address register of their own. An interrupt of a masked vector, or
 * of a function that may not be bus master, becomes pending and is sent when that changes.
 *
 * <p>{@link #signal} takes no lock.
 */
public final class Msix implements BusDevice {
  /** Size of the base address register. */
  public static final int BAR_BYTES = 0x1000;

  /** As many vectors as that has room for. */
  public static final int MAX_VECTORS = 128;

  private static final int CAPABILITY = 0x11;
  private static final int ENTRY_BYTES = 16;
  private static final int ENTRY_WORDS = ENTRY_BYTES / 4;
  private static final int PENDING_BITS = 0x800;

  private static final int CONTROL_ENABLE = 1 << 15;
  private static final int CONTROL_FUNCTION_MASK = 1 << 14;

  /** Words of a table entry. */
  private static final int ADDRESS_LOW = 0;

  private static final int ADDRESS_HIGH = 1;
  private static final int DATA = 2;
  private static final int VECTOR_CONTROL = 3;

  private static final int VECTOR_MASKED = 1;

  /** Bits of {@link #state}. */
  private static final int MASKED = 1;

  private static final int PENDING = 2;

  private final MsiVector[] vectors;
  private final int[] table;
  private final AtomicIntegerArray state;
  private final PciConfigSpace config;
  private final int capability;
  private volatile boolean enabled;
  private boolean functionMask;
  private boolean busMaster;

  /**
   * Adds the capability and the base address register to a function.
   *
   * @param bar the register, not yet in use
   * @param count how many vectors, 1 to {@link #MAX_VECTORS}
   */
  public Msix(PciConfigSpace config, int bar, int count, MsiVectors source) throws LinuxException {
    if (count < 1 || count > MAX_VECTORS) {
      throw new IllegalArgumentException(count + " MSI-X vectors");
    }
    vectors = new MsiVector[count];
    table = new int[count * ENTRY_WORDS];
    state = new AtomicIntegerArray(count);
    for (int i = 0; i < count; i++) {
      vectors[i] = source.allocate();
      table[i * ENTRY_WORDS + VECTOR_CONTROL] = VECTOR_MASKED;
      state.set(i, MASKED);
    }
    this.config = config;
    config.addMemoryBar(bar, BAR_BYTES);
    int pending = PENDING_BITS | bar;
    byte[] content = {
      (byte) (count - 1), 0, (byte) bar, 0, 0, 0, (byte) pending, (byte) (pending >>> 8), 0, 0
    };
    byte[] mask = new byte[content.length];
    mask[1] = (byte) ((CONTROL_ENABLE | CONTROL_FUNCTION_MASK) >>> 8);
    capability = config.addCapability(CAPABILITY, content, mask);
  }

  /** How many vectors there are. */
  public int count() {
    return vectors.length;
  }

  /** Whether the driver uses MSI-X, and so no INTx. */
  public boolean enabled() {
    return enabled;
  }

  /** Follows the Message Control and Command registers, after a write to configuration space. */
  public synchronized void configSpaceWritten() {
    int control = config.get16(capability + 2);
    boolean newEnabled = (control & CONTROL_ENABLE) != 0;
    boolean newMask = (control & CONTROL_FUNCTION_MASK) != 0;
    boolean newBusMaster = config.busMasterEnabled();
    if (newEnabled != enabled || newMask != functionMask || newBusMaster != busMaster) {
      enabled = newEnabled;
      busMaster = newBusMaster;
      functionMask = newMask;
      for (int i = 0; i < vectors.length; i++) {
        apply(i);
      }
    }
  }

  /**
   * Sends a vector's interrupt, or makes it pending.
   *
   * @param vector less than {@link #count}
   */
  public void signal(int vector) {
    int old = state.get(vector);
    while ((old & MASKED) != 0) {
      if (state.compareAndSet(vector, old, old | PENDING)) {
        return;
      }
      old = state.get(vector);
    }
    vectors[vector].signal();
  }

  private void apply(int vector) {
    int at = vector * ENTRY_WORDS;
    boolean masked = functionMask || (table[at + VECTOR_CONTROL] & VECTOR_MASKED) != 0;
    if (!enabled || !busMaster || masked) {
      state.getAndAccumulate(vector, MASKED, (old, bit) -> old | bit);
      return;
    }
    long address =
        (long) table[at + ADDRESS_HIGH] << 32 | Integer.toUnsignedLong(table[at + ADDRESS_LOW]);
    vectors[vector].setMessage(address, table[at + DATA]);
    if ((state.getAndSet(vector, 0) & PENDING) != 0) {
      vectors[vector].signal();
    }
  }

  /** Aligned accesses of 4 and 8 bytes (section 6.8.2); others read 0. */
  @Override
  public synchronized long read(long offset, int size) {
    if (size < 4 || offset % size != 0) {
      return 0;
    }
    long value = Integer.toUnsignedLong(readWord((int) offset));
    return size == 4 ? value : value | (long) readWord((int) offset + 4) << 32;
  }

  private int readWord(int offset) {
    if (offset / 4 < table.length) {
      return table[offset / 4];
    }
    int bits = 0;
    int first = (offset - PENDING_BITS) * 8;
    for (int i = 0; i < 32 && first >= 0 && first + i < vectors.length; i++) {
      bits |= (state.get(first + i) & PENDING) != 0 ? 1 << i : 0;
    }
    return bits;
  }

  @Override
  public synchronized void write(long offset, int size, long value) {
    if (size >= 4 && offset % size == 0) {
      writeWord((int) offset / 4, (int) value);
      if (size == 8) {
        writeWord((int) offset / 4 + 1, (int) (value >>> 32));
      }
    }
  }

  private void writeWord(int word, int value) {
    if (word < table.length) {
      switch (word % ENTRY_WORDS) {
        case ADDRESS_LOW -> table[word] = value & ~3;
        case VECTOR_CONTROL -> table[word] = value & VECTOR_MASKED;
        default -> table[word] = value;
      }
      apply(word / ENTRY_WORDS);
    }
  }
}
