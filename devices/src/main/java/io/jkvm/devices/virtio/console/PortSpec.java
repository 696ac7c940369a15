// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * What a port is to be.
 *
 * @param name for programs in the guest, which find it in {@code
 *     /sys/class/virtio-ports/vport0p1/name} and, with udev, as {@code /dev/virtio-ports/NAME}; at
 *     most {@value #MAX_NAME_BYTES} bytes of UTF-8 without a NUL; empty for none
 * @param console whether it is a terminal for the guest ({@code /dev/hvc0}), else a plain stream
 *     ({@code /dev/vport0p1})
 * @param host what the host has there
 */
public record PortSpec(String name, boolean console, PortHost host) {
  /**
   * The longest name. Linux gives control buffers of a page, FreeBSD of 128 bytes, and the message
   * with the name has a header of 8.
   */
  public static final int MAX_NAME_BYTES = 100;

  /** Checks the name. */
  public PortSpec {
    Objects.requireNonNull(host, "host");
    if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES || name.indexOf(0) >= 0) {
      throw new IllegalArgumentException(
          "a port's name has at most " + MAX_NAME_BYTES + " bytes, none of them 0: " + name);
    }
  }

  /** A terminal without a name. */
  public static PortSpec console(PortHost host) {
    return new PortSpec("", true, host);
  }

  /** A stream with a name. */
  public static PortSpec stream(String name, PortHost host) {
    return new PortSpec(name, false, host);
  }
}
