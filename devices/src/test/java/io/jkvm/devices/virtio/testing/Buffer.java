// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

/**
 * One descriptor of a request.
 *
 * @param address guest-physical
 * @param length in bytes, unsigned 32 bits
 * @param writable by the device
 */
public record Buffer(long address, int length, boolean writable) {
  /** A buffer that the device reads. */
  public static Buffer out(long address, int length) {
    return new Buffer(address, length, false);
  }

  /** A buffer that the device writes. */
  public static Buffer in(long address, int length) {
    return new Buffer(address, length, true);
  }
}
