// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

/** struct virtio_console_control (virtio 1.2, section 5.3.6.2), little-endian. */
final class ControlMessage {
  /** Offset of the port's number, 32 bits. */
  static final int ID = 0;

  /** Offset of the event, 16 bits. */
  static final int EVENT = 4;

  /** Offset of the value, 16 bits. */
  static final int VALUE = 6;

  /** The length of what each message begins with. */
  static final int BYTES = 8;

  // Events; D is said by the driver, d by the device.
  static final int DEVICE_READY = 0; // D
  static final int PORT_ADD = 1; // d
  static final int PORT_READY = 3; // D
  static final int CONSOLE_PORT = 4; // d
  static final int RESIZE = 5; // d
  static final int PORT_OPEN = 6; // D, d
  static final int PORT_NAME = 7; // d

  private ControlMessage() {}
}
