// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

/** The transport of the virtio devices (virtio 1.2, chapter 4). */
public enum VirtioTransport {
  /** A PCI bus, where the kernel finds them by itself. */
  PCI,
  /** Memory-mapped registers, announced on the kernel's command line and in the ACPI tables. */
  MMIO
}
