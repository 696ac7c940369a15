// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import io.jkvm.core.bus.AddressRange;
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

  private static final int IO_APIC_INPUTS = 24;
  private static final int PORTS = 0x10000;
  private static final long FOUR_GIB = 1L << 32;

  /**
   * A virtio-mmio device.
   *
   * @param registers below 4 GiB
   * @param gsi input of the I/O APIC, 0 to 23; edge-triggered
   */
  public record VirtioMmio(AddressRange registers, int gsi) {
    /** Checks the numbers. */
    public VirtioMmio {
      require(registers.end() <= FOUR_GIB, "registers", registers);
      require(gsi >= 0 && gsi < IO_APIC_INPUTS, "GSI", gsi);
    }
  }

  /**
   * A PCI host bridge with bus 0 and configuration mechanism #1.
   *
   * @param io ports that base address registers may use
   * @param memory32 memory below 4 GiB for base address registers
   * @param memory64 memory above 4 GiB for 64-bit base address registers, if there is any
   * @param ecam the 1 MiB of enhanced configuration access (PCI Express base specification, section
   *     7.2.2) for bus 0, if there is such; to be reserved in the e820 map too
   */
  public record Pci(
      AddressRange io,
      AddressRange memory32,
      Optional<AddressRange> memory64,
      Optional<AddressRange> ecam) {
    /** Size of the configuration space of one bus: 32 devices, 8 functions, 4 KiB each. */
    public static final long ECAM_BYTES = 1 << 20;

    /** Checks the ranges. */
    public Pci {
      require(io.end() <= PORTS, "ports", io);
      require(memory32.end() <= FOUR_GIB, "memory", memory32);
      memory64.ifPresent(range -> require(range.start() >= FOUR_GIB, "memory", range));
      ecam.ifPresent(
          range ->
              require(
                  range.length() == ECAM_BYTES
                      && range.start() % ECAM_BYTES == 0
                      && range.end() <= FOUR_GIB,
                  "enhanced configuration space",
                  range));
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
