// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import io.jkvm.devices.pci.PciConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where the structures of a virtio-pci device are, in its base address register 0 (virtio 1.2,
 * section 4.1.4): a page each.
 */
final class VirtioPciCapabilities {
  /** The base address register with the structures. */
  static final int BAR = 0;

  static final int BAR_BYTES = 0x4000;

  static final int COMMON = 0x0000;
  static final int ISR = 0x1000;
  static final int DEVICE = 0x2000;
  static final int NOTIFY = 0x3000;

  /** Bytes from one queue's notification register to the next. */
  static final int NOTIFY_MULTIPLIER = 4;

  private static final int PAGE = 0x1000;

  /** As many queues as a page has notification registers for. */
  static final int MAX_QUEUES = PAGE / NOTIFY_MULTIPLIER;

  private static final int VENDOR_SPECIFIC = 0x09;
  private static final int COMMON_CFG = 1;
  private static final int NOTIFY_CFG = 2;
  private static final int ISR_CFG = 3;
  private static final int DEVICE_CFG = 4;
  private static final int PCI_CFG = 5;

  /** Without the capability's number and link. */
  private static final int CONTENT_BYTES = 14;

  private VirtioPciCapabilities() {}

  /** Adds all but the PCI configuration access capability. */
  static void addStructures(PciConfigSpace config, int queueCount) {
    config.addMemoryBar(BAR, BAR_BYTES);
    add(config, COMMON_CFG, COMMON, VirtioPciCommon.BYTES);
    add(config, ISR_CFG, ISR, 1);
    add(config, DEVICE_CFG, DEVICE, PAGE);
    int notifyBytes = NOTIFY_MULTIPLIER * queueCount;
    byte[] notify =
        content(NOTIFY_CFG, NOTIFY, notifyBytes, CONTENT_BYTES + 4)
            .putInt(CONTENT_BYTES, NOTIFY_MULTIPLIER)
            .array();
    config.addCapability(VENDOR_SPECIFIC, notify, new byte[notify.length]);
  }

  private static void add(PciConfigSpace config, int type, int offset, int length) {
    byte[] content = content(type, offset, length, CONTENT_BYTES).array();
    config.addCapability(VENDOR_SPECIFIC, content, new byte[content.length]);
  }

  /** Adds the PCI configuration access capability (section 4.1.4.9); returns its offset. */
  static int addConfigAccess(PciConfigSpace config) {
    byte[] content = content(PCI_CFG, 0, 0, CONTENT_BYTES + 4).array();
    byte[] mask = new byte[content.length];
    mask[2] = -1;
    java.util.Arrays.fill(mask, 6, mask.length, (byte) -1);
    return config.addCapability(VENDOR_SPECIFIC, content, mask);
  }

  /** struct virtio_pci_cap from cap_len on. */
  private static ByteBuffer content(int type, int offset, int length, int bytes) {
    return ByteBuffer.allocate(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(0, (byte) (bytes + 2))
        .put(1, (byte) type)
        .put(2, (byte) BAR)
        .putInt(6, offset)
        .putInt(10, length);
  }
}
