// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

/** The host bridge at device 0, which Linux looks for before it trusts configuration space. */
public final class PciHostBridge implements PciFunction {
  private static final int CLASS_HOST_BRIDGE = 0x060000;

  /** The generic host bridge of QEMU's machines: known to guests, without quirks in them. */
  private static final PciIdentity IDENTITY =
      new PciIdentity(0x1b36, 0x0008, 0, CLASS_HOST_BRIDGE, 0x1af4, 0x1100);

  private final PciConfigSpace config = new PciConfigSpace(IDENTITY);

  @Override
  public String name() {
    return "PCI host bridge";
  }

  @Override
  public PciConfigSpace configSpace() {
    return config;
  }
}
