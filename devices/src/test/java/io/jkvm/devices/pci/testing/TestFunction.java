// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci.testing;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.devices.pci.PciConfigSpace;
import io.jkvm.devices.pci.PciFunction;
import io.jkvm.devices.pci.PciIdentity;
import java.util.ArrayList;
import java.util.List;

/** A function whose ranges read as its tag and the register's number, and that notes moves. */
public final class TestFunction implements PciFunction {
  private final PciConfigSpace config =
      new PciConfigSpace(new PciIdentity(0x1234, 0x5678, 0x9a, 0xabcdef, 0x1357, 0x2468));
  private final int tag;
  private final List<String> moves = new ArrayList<>();

  /**
   * A function.
   *
   * @param barBytes sizes of the base address registers from 0 on
   */
  public TestFunction(int tag, int... barBytes) {
    this.tag = tag;
    for (int i = 0; i < barBytes.length; i++) {
      config.addMemoryBar(i, barBytes[i]);
    }
  }

  /** Moves since the last call, as {@code +bar@address} and {@code -bar@address}. */
  public List<String> takeMoves() {
    List<String> copy = List.copyOf(moves);
    moves.clear();
    return copy;
  }

  @Override
  public String name() {
    return "test " + tag;
  }

  @Override
  public PciConfigSpace configSpace() {
    return config;
  }

  @Override
  public void barMapped(int bar, long address) {
    moves.add("+" + bar + "@" + Long.toHexString(address));
  }

  @Override
  public void barUnmapped(int bar, long address) {
    moves.add("-" + bar + "@" + Long.toHexString(address));
  }

  @Override
  public BusDevice bar(int bar) {
    return new BusDevice() {
      @Override
      public long read(long offset, int size) {
        return tag << 24 | bar << 16 | offset;
      }

      @Override
      public void write(long offset, int size, long value) {}
    };
  }
}
