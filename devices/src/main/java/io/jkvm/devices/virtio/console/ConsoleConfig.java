// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.devices.virtio.ConfigSpace;
import java.util.function.IntSupplier;

/** struct virtio_console_config (virtio 1.2, section 5.3.4), without the emergency write. */
final class ConsoleConfig implements ConfigSpace {
  private static final int PORTS_OFFSET = 4;
  private static final int BYTES = 8;

  private final int ports;
  private final IntSupplier size;

  /**
   * The configuration.
   *
   * @param size of port 0: columns in bits 0 to 15, rows in bits 16 to 31
   */
  ConsoleConfig(int ports, IntSupplier size) {
    this.ports = ports;
    this.size = size;
  }

  @Override
  public int length() {
    return BYTES;
  }

  /**
   * A number may be read in the middle of a change, but not the last time: a change is announced.
   */
  @Override
  public int byteAt(int offset) {
    int field = offset < PORTS_OFFSET ? size.getAsInt() : ports;
    return field >>> (8 * (offset % PORTS_OFFSET));
  }
}
