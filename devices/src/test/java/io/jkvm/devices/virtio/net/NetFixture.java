// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.RecordingDoorbells;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import io.jkvm.devices.virtio.transport.VirtioHost;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
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

  /** Destinations that are not the card's own address. */
  static final byte[] OTHER = {2, 0, 0, 0, 0, 9};

  static final byte[] GROUP = {1, 0, 0x5e, 0, 0, 7};
  static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};

  private static final long ADDRESS = 0xd000_0000L;

  final GuestMemory memory;
  final EventFd interrupt = new EventFd();
  final VirtioNet card;
  final VirtioMmio mmio;
  final MmioDriver driver;
  SplitRingDriver rx;
  SplitRingDriver tx;
  SplitRingDriver control;

  private final RecordingDoorbells doorbells = new RecordingDoorbells();
  private final WatchedDevice watched;
  private int pairs = 1;
  private int controlQueue;
  private SplitRingDriver[] rings;

  NetFixture(NetworkBackend network, OptionalInt mtu) throws Exception {
    memory = GuestMemory.allocate(16 << 20);
    card = new VirtioNet(MAC, mtu, network);
    card.start();
    watched = new WatchedDevice(card);
    mmio = new VirtioMmio(watched.proxy(), host(), interrupt::signal, ADDRESS);
    driver = new MmioDriver(mmio);
    makeRings();
  }

  private VirtioHost host() {
    return TestHost.of(memory, doorbells);
  }

  /** What a notification that KVM takes is counted by. */
  EventFd doorbell(int queue) {
    return doorbells.attached.get(Doorbell.write32(ADDRESS + 0x50, queue));
  }

  private void makeRings() throws GuestFault {
    rings = new SplitRingDriver[2 * pairs];
    for (int i = 0; i < rings.length; i++) {
      rings[i] = new SplitRingDriver(memory, 64, 0x10000 + 0x1000L * i);
    }
    rx = rings[0];
    tx = rings[1];
    control = new SplitRingDriver(memory, 16, 0x18000);
  }

  NetFixture(NetworkBackend network) throws Exception {
    this(network, OptionalInt.empty());
  }

  /** From the next start on, a driver that negotiates MQ sets up so many pairs: 1 to 4. */
  NetFixture setUpPairs(int count) {
    pairs = count;
    return this;
  }

  SplitRingDriver rx(int pair) {
    return rings[2 * pair];
  }

  SplitRingDriver tx(int pair) {
    return rings[2 * pair + 1];
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
    boolean multiqueue = (features & NetFeatures.MQ) != 0;
    for (int i = 0; i < (multiqueue ? rings.length : 2); i++) {
      driver.setUpQueue(i, rings[i]);
    }
    controlQueue = multiqueue ? card.queueSizes().length - 1 : 2;
    driver.setUpQueue(controlQueue, control);
    driver.driverOk();
  }

  /** An Ethernet address as it is in a frame. */
  static byte[] address(long number) {
    byte[] bytes = new byte[6];
    for (int i = 0; i < 6; i++) {
      bytes[i] = (byte) (number >>> (8 * (5 - i)));
    }
    return bytes;
  }

  static byte[] frame(int length, long seed) {
    byte[] frame = new byte[length];
    new Random(seed).nextBytes(frame);
    System.arraycopy(address(MAC), 0, frame, 0, 6);
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
    sendRaw(0, buffers);
  }

  void sendRaw(int pair, Buffer... buffers) throws GuestFault {
    int expected = (tx(pair).usedIndex() + 1) & 0xffff;
    tx(pair).add(buffers);
    awaitSent(pair, expected);
  }

  /** The same with an indirect table. */
  void sendIndirect(long table, Buffer... buffers) throws GuestFault {
    int expected = (tx.usedIndex() + 1) & 0xffff;
    tx.addIndirect(table, buffers);
    awaitSent(0, expected);
  }

  private void awaitSent(int pair, int usedIndex) throws GuestFault {
    driver.notifyQueue(2 * pair + 1);
    assertTrue(
        MmioDriver.await(() -> tx(pair).usedIndex() == usedIndex || needsReset()),
        "not taken back");
  }

  boolean needsReset() {
    return (driver.status() & MmioDriver.NEEDS_RESET) != 0;
  }

  /** Gives the card receive buffers of a size, one after the other from {@link #RX_DATA} on. */
  void giveBuffers(int count, int bytes) throws GuestFault {
    giveBuffersTo(0, count, bytes);
  }

  void giveBuffersTo(int pair, int count, int bytes) throws GuestFault {
    for (int i = 0; i < count; i++) {
      rx(pair).add(Buffer.in(rxData(pair) + (long) i * bytes, bytes));
    }
  }

  /** Where the buffers of a pair are, 1 MiB for each. */
  static long rxData(int pair) {
    return RX_DATA + ((long) pair << 20);
  }

  /** Whether the driver gets a frame for an address; there must be a buffer. */
  boolean gets(byte[] destination) throws GuestFault {
    int before = rx.usedIndex();
    byte[] frame = frame(60, 1);
    System.arraycopy(destination, 0, frame, 0, 6);
    assertTrue(card.receive(0, asFrame(frame)));
    return rx.usedIndex() != before;
  }

  /** What the driver finds at an address. */
  byte[] read(long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  /** Gives a command and returns the answer: 0 or 1. */
  int command(int kind, int command, byte... data) throws GuestFault {
    ask(kind, command, data);
    return answer();
  }

  /** Gives a command. */
  void ask(int kind, int command, byte... data) throws GuestFault {
    memory.writeU8(CONTROL, kind);
    memory.writeU8(CONTROL + 1, command);
    memory.write(CONTROL + 2, data, 0, data.length);
    memory.writeU8(CONTROL + 0x2000, 0xee);
    control.add(Buffer.out(CONTROL, 2 + data.length), Buffer.in(CONTROL + 0x2000, 1));
    driver.notifyQueue(controlQueue);
  }

  boolean answered() throws GuestFault {
    return control.usedIndex() == control.availIndex();
  }

  /** Waits for the answer to the last command: 0 or 1. */
  int answer() throws GuestFault {
    assertTrue(MmioDriver.await(() -> answered() || needsReset()), "no answer");
    assertTrue(answered(), "no command");
    assertEquals(1, control.usedLength(control.usedIndex() - 1));
    return memory.readU8(CONTROL + 0x2000);
  }

  /** Fails if the card ever threw what only a bug throws. */
  @Override
  public void close() {
    mmio.close();
    interrupt.close();
    memory.close();
    watched.assertNoMistakes();
  }
}
