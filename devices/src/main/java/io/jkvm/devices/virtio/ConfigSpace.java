// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

/**
 * The device-specific configuration (virtio 1.2, section 2.5): little-endian fields that vCPU
 * threads read and write with any offset and size. What lies beyond the end reads 0.
 */
public interface ConfigSpace {
  /** The configuration of a device that has none. */
  ConfigSpace EMPTY =
      new ConfigSpace() {
        @Override
        public int length() {
          return 0;
        }

        @Override
        public int byteAt(int offset) {
          throw new IndexOutOfBoundsException(offset);
        }
      };

  /** The size in bytes. */
  int length();

  /**
   * One byte as the driver reads it.
   *
   * @param offset from 0, less than {@link #length}
   * @return its value in bits 0 to 7; higher bits are ignored
   */
  int byteAt(int offset);

  /**
   * Reads a field or a part of one.
   *
   * @param offset not negative, may lie beyond the end
   * @param size 1, 2, 4 or 8 bytes
   */
  default long read(long offset, int size) {
    long value = 0;
    for (int i = 0; i < size && offset + i < length(); i++) {
      value |= (byteAt((int) offset + i) & 0xffL) << (8 * i);
    }
    return value;
  }

  /** Writes; what the driver may not write is ignored, which by default is everything. */
  default void write(long offset, int size, long value) {}
}
