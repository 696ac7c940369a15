// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;

/**
 * A 16550A serial port (National Semiconductor PC16550D) of 8 ports, wired as in a PC: OUT2 gates
 * the interrupt, and the peer on the cable is always there (CTS, DSR and DCD asserted).
 *
 * <p>Transmission takes no time: THRE and TEMT are clear only while the {@link SerialSink} is full.
 * For the same reason the receiver's timeout of four character times is over at once, so waiting
 * characters below the trigger level interrupt immediately. Baud rate, word length and parity are
 * registers without effect.
 *
 * <p>The peer uses RTS/CTS handshake: it sends only while the guest asserts RTS. Linux raises RTS
 * after it has cleared the FIFOs, so nothing that is typed or piped in before that is lost.
 *
 * <p>Lock order: the UART's lock, then the sink's. Listeners are called without a lock.
 */
public final class Uart16550 implements BusDevice {
  /** The number of consecutive I/O ports. */
  public static final int PORT_COUNT = 8;

  /** The first port of COM1. */
  public static final int COM1_PORT = 0x3f8;

  /** The ISA interrupt of COM1. */
  public static final int COM1_IRQ = 4;

  private static final int RBR_THR_DLL = 0;
  private static final int IER_DLM = 1;
  private static final int IIR_FCR = 2;
  private static final int LCR = 3;
  private static final int MCR = 4;
  private static final int LSR = 5;
  private static final int MSR = 6;

  private static final int IER_ERBFI = 1;
  private static final int IER_ETBEI = 2;
  private static final int IER_ELSI = 4;
  private static final int IER_EDSSI = 8;

  private static final int IIR_MODEM_STATUS = 0;
  private static final int IIR_NONE = 1;
  private static final int IIR_THR_EMPTY = 2;
  private static final int IIR_DATA_AVAILABLE = 4;
  private static final int IIR_LINE_STATUS = 6;
  private static final int IIR_CHARACTER_TIMEOUT = 0xc;
  private static final int IIR_FIFOS_ENABLED = 0xc0;

  private static final int FCR_ENABLE = 1;
  private static final int FCR_RESET_RECEIVER = 2;

  private static final int LCR_BREAK = 0x40;
  private static final int LCR_DLAB = 0x80;

  private static final int LSR_DR = 1;
  private static final int LSR_OE = 2;
  private static final int LSR_BI = 0x10;
  private static final int LSR_THRE_TEMT = 0x60;
  private static final int LSR_FIFO_ERROR = 0x80;

  private static final int DIVISOR_9600_BAUD = 12;

  private final Object lock = new Object();
  private final IrqLine irq;
  private final SerialSink sink;
  private final ReceiveFifo receiver = new ReceiveFifo();
  private final ModemControl modem = new ModemControl();
  private volatile Runnable receiveListener = () -> {};

  private int divisor = DIVISOR_9600_BAUD;
  private int ier;
  private int lcr;
  private int scratch;
  private boolean fifosEnabled;
  private int triggerLevel = 1;

  /** OE, PE, FE and BI, latched until the guest reads LSR. */
  private int lineErrors;

  private boolean transmitterInterrupt;
  private boolean awaitingSink;
  private boolean hostAwaitsRoom;
  private boolean irqAsserted;

  /**
   * A port after master reset (PC16550D, table III).
   *
   * @param irq called only when the level changes
   */
  public Uart16550(IrqLine irq, SerialSink sink) {
    this.irq = irq;
    this.sink = sink;
    sink.onRoom(this::sinkHasRoom);
  }

  /**
   * Sets who is told that {@link #receive} will take bytes again after it refused some. Called on a
   * vCPU thread, so it must only wake somebody up, and it may come before the caller of {@code
   * receive} waits for it: use something that remembers, such as a semaphore.
   */
  public void onReceiveRoom(Runnable listener) {
    receiveListener = listener;
  }

  /**
   * Bytes arrive from the host. Any thread. Takes none while RTS is clear or loopback is on.
   *
   * @return how many bytes were taken, from the front; fewer than {@code length} if the receiver is
   *     full, in which case the listener is called when the guest has emptied it
   */
  public int receive(byte[] bytes, int offset, int length) {
    synchronized (lock) {
      int taken = modem.requestsToSend() ? Math.min(length, receiver.room()) : 0;
      for (int i = 0; i < taken; i++) {
        receiver.push(bytes[offset + i], 0);
      }
      hostAwaitsRoom |= taken < length;
      updateIrq();
      return taken;
    }
  }

  /** One byte arrives from the host; false if it was not taken, as above. */
  public boolean receive(byte value) {
    return receive(value & 0xff, 0);
  }

  /** The host holds the line in the break state: a zero character with BI; false if not taken. */
  public boolean receiveBreak() {
    return receive(0, LSR_BI);
  }

  private boolean receive(int character, int errorBits) {
    synchronized (lock) {
      if (!modem.requestsToSend() || receiver.room() == 0) {
        hostAwaitsRoom = true;
        return false;
      }
      receiver.push(character, errorBits);
      revealErrors();
      updateIrq();
      return true;
    }
  }

  @Override
  public long read(long offset, int size) {
    if (size == 1) {
      return readPort((int) offset & (PORT_COUNT - 1));
    }
    // The chip is 8 bits wide: the bus splits wider accesses into bytes, lowest port first.
    long value = 0;
    for (int i = 0; i < size; i++) {
      value |= (long) readPort((int) (offset + i) & (PORT_COUNT - 1)) << (8 * i);
    }
    return value;
  }

  @Override
  public void write(long offset, int size, long value) {
    for (int i = 0; i < size; i++) {
      writePort((int) (offset + i) & (PORT_COUNT - 1), (int) (value >>> (8 * i)) & 0xff);
    }
  }

  private int readPort(int port) {
    int value;
    boolean wakeHost;
    synchronized (lock) {
      value = readRegister(port);
      wakeHost = takeHostWakeup();
    }
    if (wakeHost) {
      receiveListener.run();
    }
    return value;
  }

  private void writePort(int port, int value) {
    boolean transmit;
    boolean broken;
    boolean wakeHost;
    synchronized (lock) {
      broken = (lcr & LCR_BREAK) != 0;
      transmit = port == RBR_THR_DLL && !dlab() && !modem.loopback();
      if (!transmit) {
        writeRegister(port, value);
      }
      wakeHost = takeHostWakeup();
    }
    if (transmit) {
      // In the break state SOUT is held at space, so the peer never sees the character (8.3).
      if (!broken) {
        // Outside the lock: a full sink may hold this vCPU for a moment, but nobody else.
        sink.accept((byte) value);
      }
      synchronized (lock) {
        transmitted();
      }
    }
    if (wakeHost) {
      receiveListener.run();
    }
  }

  private int readRegister(int port) {
    return switch (port) {
      case RBR_THR_DLL -> dlab() ? divisor & 0xff : readReceiver();
      case IER_DLM -> dlab() ? divisor >>> 8 : ier;
      case IIR_FCR -> readInterruptIdentification();
      case LCR -> lcr;
      case MCR -> modem.control();
      case LSR -> readLineStatus();
      case MSR -> readModemStatus();
      default -> scratch;
    };
  }

  private void writeRegister(int port, int value) {
    switch (port) {
      case RBR_THR_DLL:
        if (dlab()) {
          divisor = divisor & 0xff00 | value;
        } else {
          loopBack(value);
        }
        break;
      case IER_DLM:
        if (dlab()) {
          divisor = divisor & 0xff | value << 8;
        } else {
          writeInterruptEnable(value & 0xf);
        }
        break;
      case IIR_FCR:
        writeFifoControl(value);
        break;
      case LCR:
        lcr = value;
        break;
      case MCR:
        modem.setControl(value);
        updateIrq();
        break;
      case LSR, MSR:
        // Writing LSR is for factory tests (8.4), and MSR only mirrors the cable.
        break;
      default:
        scratch = value;
        break;
    }
  }

  private boolean dlab() {
    return (lcr & LCR_DLAB) != 0;
  }

  private boolean takeHostWakeup() {
    if (!hostAwaitsRoom || receiver.count() != 0 || !modem.requestsToSend()) {
      return false;
    }
    hostAwaitsRoom = false;
    return true;
  }

  private int readReceiver() {
    int character = receiver.pop();
    revealErrors();
    updateIrq();
    return character;
  }

  /** An error enters LSR when its character reaches the top of the FIFO (8.4). */
  private void revealErrors() {
    lineErrors |= receiver.takeErrors();
  }

  private int readLineStatus() {
    int value = lineErrors;
    if (fifosEnabled && ((lineErrors & ~LSR_OE) != 0 || receiver.hasErrors())) {
      value |= LSR_FIFO_ERROR;
    }
    if (receiver.count() != 0) {
      value |= LSR_DR;
    }
    if (transmitterEmpty()) {
      value |= LSR_THRE_TEMT;
    }
    if (lineErrors != 0) {
      lineErrors = 0;
      updateIrq();
    }
    return value;
  }

  private int readModemStatus() {
    int value = modem.status();
    if (modem.hasDeltas()) {
      modem.clearDeltas();
      updateIrq();
    }
    return value;
  }

  private int readInterruptIdentification() {
    int id = interruptIdentification();
    if (id == IIR_THR_EMPTY) {
      transmitterInterrupt = false;
      updateIrq();
    }
    return fifosEnabled ? id | IIR_FIFOS_ENABLED : id;
  }

  /** The source of highest priority (PC16550D, table IV). */
  private int interruptIdentification() {
    if ((ier & IER_ELSI) != 0 && lineErrors != 0) {
      return IIR_LINE_STATUS;
    }
    if ((ier & IER_ERBFI) != 0 && receiver.count() != 0) {
      return receiver.count() >= triggerLevel ? IIR_DATA_AVAILABLE : IIR_CHARACTER_TIMEOUT;
    }
    if ((ier & IER_ETBEI) != 0 && transmitterInterrupt) {
      return IIR_THR_EMPTY;
    }
    return (ier & IER_EDSSI) != 0 && modem.hasDeltas() ? IIR_MODEM_STATUS : IIR_NONE;
  }

  private void writeInterruptEnable(int value) {
    // Linux tests for this: enabling the source while THR is empty interrupts again.
    boolean enablesTransmitter = (value & ~ier & IER_ETBEI) != 0;
    ier = value;
    if (enablesTransmitter) {
      transmitted();
    } else {
      updateIrq();
    }
  }

  private void writeFifoControl(int value) {
    boolean enable = (value & FCR_ENABLE) != 0;
    if (enable != fifosEnabled || enable && (value & FCR_RESET_RECEIVER) != 0) {
      receiver.reset(enable);
    }
    fifosEnabled = enable;
    // The other bits are programmed only together with bit 0 (8.5).
    triggerLevel = enable ? triggerLevel(value >>> 6) : 1;
    updateIrq();
  }

  private static int triggerLevel(int code) {
    return code == 3 ? 14 : code == 0 ? 1 : code * 4;
  }

  private void loopBack(int character) {
    if (receiver.room() != 0) {
      receiver.push(character, 0);
    } else {
      lineErrors |= LSR_OE;
      // With the FIFO the character in the shift register is lost, without it the one in RBR (8.4).
      if (!fifosEnabled) {
        receiver.replace(character);
      }
    }
    transmitted();
  }

  private boolean transmitterEmpty() {
    return modem.loopback() || sink.hasRoom();
  }

  /**
   * THR is empty again, or will be when the sink has room. An interrupt that is already pending
   * stays so without a pulse: its edge is still latched in the interrupt controller.
   */
  private void transmitted() {
    transmitterInterrupt = transmitterEmpty();
    awaitingSink = !transmitterInterrupt;
    updateIrq();
  }

  private void sinkHasRoom() {
    synchronized (lock) {
      if (awaitingSink) {
        transmitted();
      }
    }
  }

  private void updateIrq() {
    boolean assertIrq = modem.gatesInterrupt() && interruptIdentification() != IIR_NONE;
    if (assertIrq != irqAsserted) {
      irqAsserted = assertIrq;
      irq.setLevel(assertIrq);
    }
  }
}
