// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;

/**
 * A device of the user's own on I/O ports.
 *
 * @param firstPort 0 to 65535
 * @param portCount 1 or more; none may be another device's, of the machine or of the user
 * @param name for messages
 * @param factory makes the device for one machine
 */
public record PortDevice(int firstPort, int portCount, String name, Factory factory) {
  /** What a machine has for a device. */
  public interface Connections {
    /** The name of the machine. */
    String machineName();

    /** A line to an input of the interrupt controllers, 0 to 23. */
    IrqLine irqLine(int gsi);
  }

  /** Makes a device; called once for each machine. */
  @FunctionalInterface
  public interface Factory {
    /** A new device; it is called by the vCPUs' threads. */
    BusDevice create(Connections connections);
  }

  /**
   * Checks that it is whole, and the range.
   *
   * @throws MachineException with {@link Problem#INCOMPLETE} or {@link Problem#DEVICE}
   */
  public PortDevice {
    SpecChecks.whole(name, "the name of a device on I/O ports");
    SpecChecks.whole(factory, "what makes the device on I/O ports");
    if (firstPort < 0 || portCount < 1 || firstPort > 0x10000 - portCount) {
      throw new MachineException(
          Problem.DEVICE,
          String.format("%s: there are no %d I/O ports at %#x", name, portCount, firstPort));
    }
  }
}
