// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;

/**
 * The keyboard controller of the PC/AT (IBM PC/AT Technical Reference, "Keyboard Controller"), with
 * nothing plugged in: no keyboard, and no auxiliary (mouse) port at all.
 *
 * <p>A guest's probe never waits for a time-out. Every command answers at once; a byte sent to the
 * keyboard comes back at once as "resend" with the time-out bit, which is how the controller
 * reports a missing keyboard, and the auxiliary port's tests fail.
 *
 * <p>A20 is always open here; the output port only remembers its bit.
 */
public final class I8042 {
  /** The port of {@link #dataPort}. */
  public static final int DATA_PORT = 0x60;

  /** The port of {@link #commandPort}. */
  public static final int COMMAND_PORT = 0x64;

  /** The keyboard's ISA interrupt. */
  public static final int KEYBOARD_IRQ = 1;

  private static final int STATUS_OUTPUT_FULL = 1;
  private static final int STATUS_SYSTEM = 4;
  private static final int STATUS_COMMAND = 8;
  private static final int STATUS_NOT_LOCKED = 0x10;
  private static final int STATUS_AUX_DATA = 0x20;
  private static final int STATUS_TIMEOUT = 0x40;

  private static final int MODE_INTERRUPT = 1;
  private static final int MODE_SYSTEM = 4;
  private static final int MODE_KEYBOARD_DISABLED = 0x10;
  private static final int MODE_AUX_DISABLED = 0x20;
  private static final int MODE_TRANSLATE = 0x40;

  private static final int OUTPUT_PORT_NOT_RESET = 1;
  private static final int OUTPUT_PORT_A20 = 2;
  private static final int INPUT_PORT_NOT_LOCKED = 0x80;

  private static final int RESEND = 0xfe;
  private static final int SELF_TEST_PASSED = 0x55;
  private static final int AUX_CLOCK_STUCK_LOW = 1;
  private static final int NO_PASSWORD = 0xf1;

  private static final int NO_COMMAND = -1;

  private final Object lock = new Object();
  private final IrqLine irq;
  private final Runnable reset;
  private final byte[] ram = new byte[32];
  private final BusDevice dataPort = new Port(false);
  private final BusDevice commandPort = new Port(true);

  private int output;

  /** Of the status bits, those that belong to {@link #output}; 0 when it is empty. */
  private int outputStatus;

  private int lastWriteStatus;
  private int outputPort = 0xcc | OUTPUT_PORT_A20 | OUTPUT_PORT_NOT_RESET;
  private int awaitingData = NO_COMMAND;
  private boolean irqAsserted;

  /**
   * A controller as firmware leaves it.
   *
   * @param irq the keyboard's interrupt; called only when the level changes
   * @param reset called on the vCPU's thread when the guest pulls the processor's reset line; may
   *     be called again and must not block
   */
  public I8042(IrqLine irq, Runnable reset) {
    this.irq = irq;
    this.reset = reset;
    ram[0] = MODE_SYSTEM | MODE_KEYBOARD_DISABLED | MODE_AUX_DISABLED | MODE_TRANSLATE;
  }

  /** The device for port 0x60. */
  public BusDevice dataPort() {
    return dataPort;
  }

  /** The device for port 0x64: status when read, commands when written. */
  public BusDevice commandPort() {
    return commandPort;
  }

  private int status() {
    int system = (ram[0] & MODE_SYSTEM) != 0 ? STATUS_SYSTEM : 0;
    return outputStatus | lastWriteStatus | system | STATUS_NOT_LOCKED;
  }

  private int takeOutput() {
    outputStatus = 0;
    updateIrq();
    return output;
  }

  private void put(int value, int extraStatus) {
    output = value;
    outputStatus = STATUS_OUTPUT_FULL | extraStatus;
    updateIrq();
  }

  private void updateIrq() {
    boolean assertIrq =
        (ram[0] & MODE_INTERRUPT) != 0
            && (outputStatus & (STATUS_OUTPUT_FULL | STATUS_AUX_DATA)) == STATUS_OUTPUT_FULL;
    if (assertIrq != irqAsserted) {
      irqAsserted = assertIrq;
      irq.setLevel(assertIrq);
    }
  }

  /** Carries out a command; true if it resets the machine. */
  private boolean command(int command) {
    awaitingData = NO_COMMAND;
    if (command >= 0xf0) {
      // Pulses the output port's low bits that are 0; bit 0 is the processor's reset line.
      return (command & OUTPUT_PORT_NOT_RESET) == 0;
    }
    if (command >= 0x20 && command < 0x40) {
      put(ram[command - 0x20] & 0xff, 0);
      return false;
    }
    if (command >= 0x60 && command < 0x80) {
      awaitingData = command;
      return false;
    }
    switch (command) {
      case 0xa4: // test password
        put(NO_PASSWORD, 0);
        break;
      case 0xa9: // test the auxiliary port
        put(AUX_CLOCK_STUCK_LOW, 0);
        break;
      case 0xaa: // self test
        ram[0] |= MODE_SYSTEM;
        put(SELF_TEST_PASSED, 0);
        break;
      case 0xab: // test the keyboard's lines: both free
      case 0xe0: // read test inputs: both low
        put(0, 0);
        break;
      case 0xad:
        ram[0] |= MODE_KEYBOARD_DISABLED;
        break;
      case 0xae:
        ram[0] &= ~MODE_KEYBOARD_DISABLED;
        break;
      case 0xc0: // read input port
        put(INPUT_PORT_NOT_LOCKED, 0);
        break;
      case 0xd0: // read output port
        put(outputPort, 0);
        break;
      case 0xd1: // write output port
      case 0xd2: // write the output buffer as the keyboard would
      case 0xd3: // write the output buffer as the mouse would
      case 0xd4: // write to the mouse
        awaitingData = command;
        break;
      case 0xdd:
        outputPort &= ~OUTPUT_PORT_A20;
        break;
      case 0xdf:
        outputPort |= OUTPUT_PORT_A20;
        break;
      default:
        // 0xA7 and 0xA8 switch an auxiliary port that is not there; the rest is undefined.
        break;
    }
    return false;
  }

  /** Takes a byte for the command before it or for the keyboard; true if it resets the machine. */
  private boolean data(int value) {
    int command = awaitingData;
    awaitingData = NO_COMMAND;
    if (command >= 0x60 && command < 0x80) {
      // A port that is not there stays disabled, which is how drivers see that.
      ram[command - 0x60] = (byte) (command == 0x60 ? value | MODE_AUX_DISABLED : value);
      updateIrq();
      return false;
    }
    switch (command) {
      case 0xd1:
        outputPort = value;
        return (value & OUTPUT_PORT_NOT_RESET) == 0;
      case 0xd3:
      // Without the auxiliary flag: the loop test of a controller without that port.
      case 0xd2:
        put(value, 0);
        return false;
      case 0xd4:
        put(RESEND, STATUS_AUX_DATA | STATUS_TIMEOUT);
        return false;
      default:
        put(RESEND, STATUS_TIMEOUT);
        return false;
    }
  }

  private final class Port implements BusDevice {
    private final boolean command;

    Port(boolean command) {
      this.command = command;
    }

    @Override
    public long read(long offset, int size) {
      synchronized (lock) {
        return command ? status() : takeOutput();
      }
    }

    @Override
    public void write(long offset, int size, long value) {
      int written = (int) value & 0xff;
      boolean resets;
      synchronized (lock) {
        lastWriteStatus = command ? STATUS_COMMAND : 0;
        resets = command ? command(written) : data(written);
      }
      if (resets) {
        reset.run();
      }
    }
  }
}
