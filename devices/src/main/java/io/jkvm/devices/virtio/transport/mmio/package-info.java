// SPDX-License-Identifier: Apache-2.0
/** Virtio over memory-mapped registers (virtio 1.2, section 4.2). */
package io.jkvm.devices.virtio.transport.mmio;
