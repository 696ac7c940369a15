// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

/** What carries the virtio devices ({@code --virtio}). */
enum VirtioTransport {
  /** A PCI bus, where the kernel finds them by itself. */
  PCI,
  /** Memory-mapped registers, announced on the kernel's command line. */
  MMIO
}
