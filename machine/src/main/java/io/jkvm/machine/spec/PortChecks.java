// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.clock.CmosRtc;
import io.jkvm.devices.legacy.AcpiPm;
import io.jkvm.devices.legacy.I8042;
import io.jkvm.devices.legacy.PostCode;
import io.jkvm.devices.legacy.ResetPort;
import io.jkvm.devices.pci.PciConfigPorts;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.util.ArrayList;
import java.util.List;

/** Which I/O ports a device of the user's own can't have. */
final class PortChecks {
  /** Ports that are in use. */
  private record Taken(int first, int count, String by) {
    boolean overlaps(PortDevice device) {
      return device.firstPort() < first + count && first < device.firstPort() + device.portCount();
    }
  }

  /**
   * What every machine has. KVM answers the first ones in the kernel: a device there would never be
   * asked.
   */
  private static final List<Taken> MACHINE =
      List.of(
          new Taken(0x20, 2, "the first interrupt controller"),
          new Taken(0xa0, 2, "the second interrupt controller"),
          new Taken(0x4d0, 2, "the interrupt controllers' edge or level registers"),
          new Taken(0x40, 4, "the timer"),
          new Taken(0x61, 1, "the timer's speaker gate"),
          new Taken(Uart16550.COM1_PORT, Uart16550.PORT_COUNT, "the serial port"),
          new Taken(I8042.DATA_PORT, 1, "the keyboard controller"),
          new Taken(I8042.COMMAND_PORT, 1, "the keyboard controller"),
          new Taken(CmosRtc.PORT, CmosRtc.PORT_COUNT, "the clock"),
          new Taken(PostCode.PORT, 1, "the POST code"),
          new Taken(ResetPort.SYSTEM_CONTROL_A, 1, "system control port A"),
          new Taken(X86Layout.ACPI_PM1_EVENT, AcpiPm.PORT_COUNT, "ACPI power management"),
          new Taken(X86Layout.EXIT_STATUS, 1, "the exit status"),
          new Taken(PciConfigPorts.PORT, PciConfigPorts.PORT_COUNT, "PCI configuration"));

  private PortChecks() {}

  static void devices(List<PortDevice> devices) {
    List<Taken> taken = new ArrayList<>(MACHINE);
    for (PortDevice device : devices) {
      for (Taken other : taken) {
        if (other.overlaps(device)) {
          throw new MachineException(
              Problem.DEVICE,
              String.format(
                  "%s: of its I/O ports %#x to %#x, some are those of %s",
                  device.name(),
                  device.firstPort(),
                  device.firstPort() + device.portCount() - 1,
                  other.by()));
        }
      }
      taken.add(new Taken(device.firstPort(), device.portCount(), device.name()));
    }
  }
}
