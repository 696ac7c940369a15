// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.Frame;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.virtio.VirtioMmio;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import java.util.OptionalInt;
import java.util.Random;

/** A network card behind virtio-mmio and a driver for its queues, as bare as a test needs it. */
final class NetFixture implements AutoCloseable {
  static final long MAC = 0x02_00_5e_10_00_01L;
  static final int HEADER = 12;
  static final long VERSION_1 = 1L << 32;

  /** Where transmit requests go, receive buffers, and control commands. */
  static final long TX_DATA = 0x40000;

  static final long RX_DATA = 0x80000;
  static final long CONTROL = 0x30000;

  final GuestMemory memory;
  final EventFd interrupt = new EventFd();
  final VirtioNet card;
  final VirtioMmio mmio;
  final MmioDriver driver;
  SplitRingDriver rx;
  SplitRingDriver tx;
  SplitRingDriver control;

  NetFixture(NetworkBackend network, OptionalInt mtu) throws Exception {
    memory = GuestMemory.allocate(16 << 20);
    card = new VirtioNet(MAC, mtu, network);
    card.start();
    mmio = new VirtioMmio(card, memory, interrupt);
    driver = new MmioDriver(mmio);
    makeRings();
  }

  private void makeRings() throws GuestFault {
    rx = new SplitRingDriver(memory, 64, 0x10000);
    tx = new SplitRingDriver(memory, 64, 0x14000);
    control = new SplitRingDriver(memory, 16, 0x18000);
  }

  NetFixture(NetworkBackend network) throws Exception {
    this(network, OptionalInt.empty());
  }

  /** A working card with all offered features but some. */
  NetFixture startWithout(long features) throws GuestFault {
    start(driver.offeredFeatures() & ~features);
    return this;
  }

  /** A working card with these features of its own. */
  NetFixture startWith(long features) throws GuestFault {
    start(features | VERSION_1);
    return this;
  }

  private void start(long features) throws GuestFault {
    driver.status(0);
    makeRings();
    driver.negotiate(features);
    assertTrue((driver.status() & MmioDriver.FEATURES_OK) != 0, "features refused");
    driver.setUpQueue(0, rx);
    driver.setUpQueue(1, tx);
    driver.setUpQueue(2 * cardPairs(features), control);
    driver.driverOk();
  }

  private int cardPairs(long features) {
    return (features & NetFeatures.MQ) != 0 ? (card.queueCount() - 1) / 2 : 1;
  }

  static byte[] frame(int length, long seed) {
    byte[] frame = new byte[length];
    new Random(seed).nextBytes(frame);
    for (int i = 0; i < 6; i++) {
      frame[i] = (byte) (MAC >>> (8 * (5 - i)));
    }
    frame[12] = (byte) 0x88; // no protocol that anything here looks into
    frame[13] = (byte) 0xb5;
    return frame;
  }

  static Frame asFrame(byte[] bytes) {
    Frame frame = new Frame();
    frame.bytes().writeBytes(bytes);
    return frame;
  }

  /** Sends a header and a frame in one buffer and waits for its return. */
  void send(byte[] header, byte[] frame) throws GuestFault {
    memory.write(TX_DATA, header, 0, header.length);
    memory.write(TX_DATA + header.length, frame, 0, frame.length);
    sendRaw(Buffer.out(TX_DATA, header.length + frame.length));
  }

  void sendRaw(Buffer... buffers) throws GuestFault {
    int expected = (tx.usedIndex() + 1) & 0xffff;
    tx.add(buffers);
    driver.notifyQueue(1);
    assertTrue(
        MmioDriver.await(() -> tx.usedIndex() == expected || needsReset()), "not taken back");
  }

  boolean needsReset() {
    return (driver.status() & MmioDriver.NEEDS_RESET) != 0;
  }

  /** Gives the card receive buffers of a size, one after the other from {@link #RX_DATA} on. */
  void giveBuffers(int count, int bytes) throws GuestFault {
    for (int i = 0; i < count; i++) {
      rx.add(Buffer.in(RX_DATA + (long) i * bytes, bytes));
    }
  }

  /** What the driver finds at an address. */
  byte[] read(long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  /** Gives a command and returns the answer: 0 or 1. */
  int command(int kind, int command, byte... data) throws GuestFault {
    memory.writeU8(CONTROL, kind);
    memory.writeU8(CONTROL + 1, command);
    memory.write(CONTROL + 2, data, 0, data.length);
    memory.writeU8(CONTROL + 0x2000, 0xee);
    int expected = (control.usedIndex() + 1) & 0xffff;
    control.add(Buffer.out(CONTROL, 2 + data.length), Buffer.in(CONTROL + 0x2000, 1));
    driver.notifyQueue(card.queueCount() - 1);
    assertTrue(MmioDriver.await(() -> control.usedIndex() == expected), "no answer");
    assertEquals(1, control.usedLength(expected - 1));
    return memory.readU8(CONTROL + 0x2000);
  }

  @Override
  public void close() {
    mmio.close();
    interrupt.close();
    memory.close();
  }
}
