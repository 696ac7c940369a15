// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import java.util.ArrayList;
import java.util.List;

/**
 * The stretch of guest-physical addresses that the host bridge passes on to PCI. Accesses go to the
 * function whose base address register covers them now.
 *
 * <p>A range that a guest places outside the window, wholly or in part, is not decoded, so it can't
 * lie over RAM or other devices. Of two that overlap, the one of the lower device, then of the
 * lower register, is decoded and the other is not.
 */
public final class PciMemoryWindow implements BusDevice {
  private final AddressRange range;
  private List<Decoded> decoded = List.of();
  private volatile IoBus routes = IoBus.builder().build();

  private record Decoded(PciFunction function, int bar, AddressRange range) {}

  /** A window that is to be mapped at {@code range} and leads nowhere yet. */
  public PciMemoryWindow(AddressRange range) {
    this.range = range;
  }

  public AddressRange range() {
    return range;
  }

  /** Follows the functions' registers; called with the bus's lock held. */
  void update(PciFunction[] functions) {
    List<Decoded> next = decode(functions);
    if (next.equals(decoded)) {
      return;
    }
    for (Decoded old : decoded) {
      if (!next.contains(old)) {
        old.function.barUnmapped(old.bar, old.range.start());
      }
    }
    IoBus.Builder builder = IoBus.builder();
    for (Decoded d : next) {
      long offset = d.range.start() - range.start();
      builder.map(offset, d.range.length(), d.function.name(), d.function.bar(d.bar));
    }
    routes = builder.build();
    List<Decoded> before = decoded;
    decoded = next;
    for (Decoded d : next) {
      if (!before.contains(d)) {
        d.function.barMapped(d.bar, d.range.start());
      }
    }
  }

  private List<Decoded> decode(PciFunction[] functions) {
    List<Decoded> result = new ArrayList<>();
    for (PciFunction function : functions) {
      if (function == null || !function.configSpace().memoryEnabled()) {
        continue;
      }
      PciConfigSpace config = function.configSpace();
      for (int bar = 0; bar < PciConfigSpace.BAR_COUNT; bar++) {
        if (config.barBytes(bar) > 0) {
          AddressRange wanted = new AddressRange(config.barAddress(bar), config.barBytes(bar));
          if (inWindow(wanted) && result.stream().noneMatch(d -> d.range.overlaps(wanted))) {
            result.add(new Decoded(function, bar, wanted));
          }
        }
      }
    }
    return result;
  }

  private boolean inWindow(AddressRange wanted) {
    return wanted.start() >= range.start() && wanted.end() <= range.end();
  }

  @Override
  public long read(long offset, int size) {
    return routes.read(offset, size);
  }

  @Override
  public void write(long offset, int size, long value) {
    routes.write(offset, size, value);
  }
}
