// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.core.kvm.KvmVm;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What differs between the machines that {@link AcpiTables} describes.
 *
 * @param processors number of vCPUs, 1 to {@link #MAX_PROCESSORS}; their APIC ids count from 0
 * @param virtioMmio the virtio-mmio devices, in the order of their unit numbers
 * @param pci the PCI host bridge, empty for a machine without one
 */
public record AcpiConfig(int processors, List<VirtioMmio> virtioMmio, Optional<Pci> pci) {
  /** As many processors as the tables have room and names for. */
  public static final int MAX_PROCESSORS = 1024;

  /** Likewise for virtio-mmio devices. */
  public static final int MAX_VIRTIO_MMIO = 64;

  private static final int PORTS = 0x10000;
  private static final long FOUR_GIB = 1L << 32;

  /**
   * A virtio-mmio device.
   *
   * @param registers below 4 GiB
   * @param gsi input of the I/O APIC, below {@link KvmVm#IO_APIC_INPUTS}; edge-triggered
   */
  public record VirtioMmio(AddressRange registers, int gsi) {
    /** Checks the numbers. */
    public VirtioMmio {
      require(registers.end() <= FOUR_GIB, "registers", registers);
      require(gsi >= 0 && gsi < KvmVm.IO_APIC_INPUTS, "GSI", gsi);
    }
  }

  /**
   * A PCI host bridge with bus 0 and configuration mechanism #1.
   *
   * @param io ports that base address registers may use
   * @param memory memory below 4 GiB for base address registers
   */
  public record Pci(AddressRange io, AddressRange memory) {
    /** Checks the ranges. */
    public Pci {
      require(io.end() <= PORTS, "ports", io);
      require(memory.end() <= FOUR_GIB, "memory", memory);
    }
  }

  /** Checks the counts. */
  public AcpiConfig {
    require(processors >= 1 && processors <= MAX_PROCESSORS, "processors", processors);
    virtioMmio = List.copyOf(virtioMmio);
    require(virtioMmio.size() <= MAX_VIRTIO_MMIO, "virtio-mmio devices", virtioMmio.size());
    Objects.requireNonNull(pci, "pci");
  }

  private static void require(boolean good, String what, Object value) {
    if (!good) {
      throw new IllegalArgumentException(what + " out of range: " + value);
    }
  }
}
