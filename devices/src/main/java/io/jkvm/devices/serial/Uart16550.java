// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.lifecycle.Pausable;

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
 *
 * <p>The sink's thread drives the interrupt too, when there is room again. While the port is paused
 * it does not, nor does {@link #receive} take anything; after {@link #close} it never does again,
 * so the interrupt's owner may go while the sink stays.
 */
public final class Uart16550 implements BusDevice, Pausable, AutoCloseable {
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

  private static final int IIR_FIFOS_ENABLED = 0xc0;

  private static final int LCR_BREAK = 0x40;
  private static final int LCR_DLAB = 0x80;

  private static final int DIVISOR_9600_BAUD = 12;

  private final Object lock = new Object();
  private final IrqLine irq;
  private final SerialSink sink;
  private final Runnable roomListener = this::sinkHasRoom;
  private final Transmitter transmitter;
  private final Receiver receiver = new Receiver();
  private final InterruptEnable interrupts = new InterruptEnable();
  private final ModemControl modem = new ModemControl();
  private volatile Runnable receiveListener = () -> {};

  private int divisor = DIVISOR_9600_BAUD;
  private int lcr;
  private int scratch;
  private boolean hostAwaitsRoom;
  private boolean irqAsserted;
  private boolean paused;
  private boolean closed;

  /**
   * A port after master reset (PC16550D, table III).
   *
   * @param irq called only when the level changes
   * @param sink may outlive this port
   */
  public Uart16550(IrqLine irq, SerialSink sink) {
    this.irq = irq;
    this.sink = sink;
    transmitter = new Transmitter(sink);
    sink.addRoomListener(roomListener);
  }

  @Override
  public void pause() {
    synchronized (lock) {
      paused = true;
    }
  }

  /** What became due meanwhile is made up for: the interrupt, and the wish for more input. */
  @Override
  public void resume() {
    boolean wakeHost;
    synchronized (lock) {
      paused = false;
      if (transmitter.awaitsSink()) {
        transmitted();
      } else {
        updateIrq();
      }
      wakeHost = takeHostWakeup();
    }
    if (wakeHost) {
      receiveListener.run();
    }
  }

  /** Takes the port off its sink and its interrupt; neither is told anything after this returns. */
  @Override
  public void close() {
    sink.removeRoomListener(roomListener);
    synchronized (lock) {
      closed = true;
    }
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
      int taken = Math.min(length, receiveRoom());
      for (int i = 0; i < taken; i++) {
        receiver.put(bytes[offset + i]);
      }
      hostAwaitsRoom |= taken < length;
      updateIrq();
      return taken;
    }
  }

  /** One byte arrives from the host; false if it was not taken, as above. */
  public boolean receive(byte value) {
    synchronized (lock) {
      if (!roomForOne()) {
        return false;
      }
      receiver.put(value & 0xff);
      updateIrq();
      return true;
    }
  }

  /** The host holds the line in the break state: a zero character with BI; false if not taken. */
  public boolean receiveBreak() {
    synchronized (lock) {
      if (!roomForOne()) {
        return false;
      }
      receiver.putBreak();
      updateIrq();
      return true;
    }
  }

  private boolean roomForOne() {
    boolean room = receiveRoom() != 0;
    hostAwaitsRoom |= !room;
    return room;
  }

  private int receiveRoom() {
    return paused || closed || !modem.requestsToSend() ? 0 : receiver.room();
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
        transmitter.send(value);
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
      case IER_DLM -> dlab() ? divisor >>> 8 : interrupts.value();
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
          receiver.putLooped(value);
          transmitted();
        }
        break;
      case IER_DLM:
        if (dlab()) {
          divisor = divisor & 0xff | value << 8;
        } else {
          writeInterruptEnable(value);
        }
        break;
      case IIR_FCR:
        receiver.writeFifoControl(value);
        updateIrq();
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
    if (!hostAwaitsRoom || !receiver.isEmpty() || receiveRoom() == 0) {
      return false;
    }
    hostAwaitsRoom = false;
    return true;
  }

  private int readReceiver() {
    int character = receiver.take();
    updateIrq();
    return character;
  }

  private int readLineStatus() {
    boolean hadErrors = receiver.hasLineErrors();
    int value = receiver.takeLineStatus(transmitter.isEmpty(modem.loopback()));
    if (hadErrors) {
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
    if (id == InterruptEnable.TRANSMITTER_EMPTY) {
      transmitter.clearInterrupt();
      updateIrq();
    }
    return receiver.fifosEnabled() ? id | IIR_FIFOS_ENABLED : id;
  }

  private int interruptIdentification() {
    return interrupts.identify(receiver, transmitter, modem);
  }

  private void writeInterruptEnable(int value) {
    if (interrupts.write(value)) {
      transmitted();
    } else {
      updateIrq();
    }
  }

  /**
   * THR is empty again, or will be when the sink has room. An interrupt that is already pending
   * stays so without a pulse: its edge is still latched in the interrupt controller.
   */
  private void transmitted() {
    transmitter.sent(modem.loopback());
    updateIrq();
  }

  private void sinkHasRoom() {
    synchronized (lock) {
      if (transmitter.awaitsSink() && !paused && !closed) {
        transmitted();
      }
    }
  }

  private void updateIrq() {
    if (paused || closed) {
      return;
    }
    boolean assertIrq = modem.gatesInterrupt() && interruptIdentification() != InterruptEnable.NONE;
    if (assertIrq != irqAsserted) {
      irqAsserted = assertIrq;
      irq.setLevel(assertIrq);
    }
  }
}
