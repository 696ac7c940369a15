// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;

/** A console device with a few ports behind a transport, and a driver for its queues. */
final class ConsoleFixture implements AutoCloseable {
  static final int RAM = 4 << 20;
  static final int NEEDS_RESET = 64;
  static final int RING = 64;
  static final int CONTROL_RING = 32;

  static final int DEVICE_READY = 0;
  static final int PORT_READY = 3;
  static final int PORT_OPEN = 6;

  /** Where buffers go: 256 KiB for each queue. */
  private static final long DATA = 1 << 20;

  /** How long a control buffer is. */
  private static final int CONTROL_BYTES = 128;

  final GuestMemory memory;
  final VirtioConsole device;
  final RecordingHost[] hosts;
  final GuestDriver guest;
  final SplitRingDriver[] rings;

  private int controlSeen;
  private long features;

  /** Port 0 is a console without a name, the others are streams: "stream1", "stream2". */
  ConsoleFixture(Transport transport, int ports) throws Exception {
    hosts = new RecordingHost[ports];
    List<PortSpec> specs = new ArrayList<>();
    for (int i = 0; i < ports; i++) {
      hosts[i] = new RecordingHost();
      specs.add(i == 0 ? PortSpec.console(hosts[i]) : PortSpec.stream("stream" + i, hosts[i]));
    }
    device = new VirtioConsole("test", specs);
    memory = GuestMemory.allocate(RAM);
    rings = new SplitRingDriver[2 * ports + 2];
    guest = transport.attach(device, TestHost.of(memory));
  }

  ConsolePort port(int port) {
    return device.ports().get(port);
  }

  static int inQueue(int port) {
    return port == 0 ? 0 : 2 * port + 2;
  }

  SplitRingDriver in(int port) {
    return rings[inQueue(port)];
  }

  SplitRingDriver out(int port) {
    return rings[inQueue(port) + 1];
  }

  static long data(int queue) {
    return DATA + ((long) queue << 18);
  }

  static long inData(int port) {
    return data(inQueue(port));
  }

  static long outData(int port) {
    return data(inQueue(port) + 1);
  }

  /** From reset to DRIVER_OK with all that is offered but some; no port is added yet. */
  ConsoleFixture startWithout(long without) throws GuestFault {
    features = device.features() & ~without;
    guest.negotiateWithout(without);
    boolean multiport = (features & VirtioConsole.F_MULTIPORT) != 0;
    for (int i = 0; i < (multiport ? rings.length : 2); i++) {
      int size = i == 2 || i == 3 ? CONTROL_RING : RING;
      rings[i] = new SplitRingDriver(memory, size, 0x10000 + 0x1000L * i);
      guest.setUpQueue(i, rings[i]);
    }
    controlSeen = 0;
    guest.driverOk();
    return this;
  }

  /** All ports are added and open at both ends. */
  ConsoleFixture startAndOpen() throws GuestFault {
    startWithout(0);
    giveControlBuffers(CONTROL_RING);
    control(0xffff_ffff, DEVICE_READY, 1);
    for (int i = 0; i < hosts.length; i++) {
      port(i).open();
    }
    for (int i = 0; i < hosts.length; i++) {
      assertEquals("add " + i, message());
    }
    for (int i = 0; i < hosts.length; i++) {
      control(i, PORT_READY, 1);
      awaitMessage("open " + i + " 1");
      control(i, PORT_OPEN, 1);
    }
    return this;
  }

  boolean needsReset() {
    return (guest.status() & NEEDS_RESET) != 0;
  }

  void awaitNeedsReset() throws GuestFault {
    await(this::needsReset, "goes on");
  }

  static void await(MmioDriver.Condition condition, String otherwise) throws GuestFault {
    assertTrue(MmioDriver.await(condition), otherwise);
  }

  void giveControlBuffers(int count) throws GuestFault {
    for (int i = 0; i < count; i++) {
      int slot = rings[2].availIndex() % CONTROL_RING;
      rings[2].add(Buffer.in(data(2) + (long) slot * CONTROL_BYTES, CONTROL_BYTES));
    }
    guest.notifyQueue(2);
  }

  /** Sends a control message and waits, as Linux does, until it is taken. */
  void control(int id, int event, int value) throws GuestFault {
    memory.writeU32(data(3), id);
    memory.writeU16(data(3) + 4, event);
    memory.writeU16(data(3) + 6, value);
    controlRaw(Buffer.out(data(3), 8));
  }

  void controlRaw(Buffer... buffers) throws GuestFault {
    int expected = (rings[3].usedIndex() + 1) & 0xffff;
    rings[3].add(buffers);
    guest.notifyQueue(3);
    await(() -> rings[3].usedIndex() == expected || needsReset(), "not taken");
  }

  /** The next message of the device, which gets the buffer back. */
  String message() throws GuestFault {
    await(() -> rings[2].usedIndex() != (controlSeen & 0xffff), "no message");
    long at = data(2) + (long) rings[2].usedId(controlSeen) * CONTROL_BYTES;
    byte[] bytes = read(at, rings[2].usedLength(controlSeen));
    controlSeen++;
    giveControlBuffers(1);
    return describe(bytes);
  }

  boolean hasMessage() throws GuestFault {
    return rings[2].usedIndex() != (controlSeen & 0xffff);
  }

  /** Reads messages until one is the expected one; returns those before it. */
  List<String> awaitMessage(String expected) throws GuestFault {
    List<String> before = new ArrayList<>();
    for (String next = message(); !next.equals(expected); next = message()) {
      before.add(next);
    }
    return before;
  }

  private static String describe(byte[] bytes) {
    ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int id = message.getInt();
    int event = message.getShort();
    int value = message.getShort();
    byte[] rest = new byte[message.remaining()];
    message.get(rest);
    switch (event) {
      case 1:
        assertEquals(0, rest.length);
        return "add " + id;
      case 4:
        assertEquals(0, rest.length);
        return "console " + id + " " + value;
      case 5:
        assertEquals(4, rest.length);
        ByteBuffer size = ByteBuffer.wrap(rest).order(ByteOrder.LITTLE_ENDIAN);
        return "size "
            + id
            + " "
            + Short.toUnsignedInt(size.getShort(0))
            + "x"
            + Short.toUnsignedInt(size.getShort(2));
      case 6:
        assertEquals(0, rest.length);
        return "open " + id + " " + value;
      case 7:
        return "name " + id + " " + new String(rest, StandardCharsets.UTF_8);
      default:
        throw new AssertionError("event " + event);
    }
  }

  /** Puts bytes where a port's output goes; returns a buffer with them. */
  Buffer outBuffer(int port, byte[] bytes) throws GuestFault {
    memory.write(outData(port), bytes, 0, bytes.length);
    return Buffer.out(outData(port), bytes.length);
  }

  /** Offers output without waiting. */
  void addOutput(int port, Buffer... buffers) throws GuestFault {
    out(port).add(buffers);
    guest.notifyQueue(inQueue(port) + 1);
  }

  void awaitOutputTaken(int port) throws GuestFault {
    int expected = out(port).availIndex();
    await(() -> out(port).usedIndex() == expected || needsReset(), "output not taken");
  }

  void send(int port, Buffer... buffers) throws GuestFault {
    addOutput(port, buffers);
    awaitOutputTaken(port);
  }

  /** Gives a port one input buffer and notifies. */
  void giveInput(int port, long address, int length) throws GuestFault {
    in(port).add(Buffer.in(address, length));
    guest.notifyQueue(inQueue(port));
  }

  byte[] read(long address, int length) throws GuestFault {
    byte[] bytes = new byte[length];
    memory.read(address, bytes, 0, length);
    return bytes;
  }

  static byte[] random(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** A thread that gives a port all bytes, however long that takes. */
  static Thread offerAll(ConsolePort port, byte[] bytes) {
    return start(
        () -> {
          ByteBuffer left = ByteBuffer.wrap(bytes);
          while (left.hasRemaining()) {
            port.offer(left);
            if (left.hasRemaining()) {
              port.awaitRoom(3_600_000); // a wake-up that is lost must not pass
            }
          }
          return null;
        });
  }

  static Thread start(Callable<?> action) {
    Thread thread =
        new Thread(
            () -> {
              try {
                action.call();
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  static void assertEnds(Thread thread) throws InterruptedException {
    thread.join(60_000);
    assertTrue(!thread.isAlive(), "still at work");
  }

  static boolean waits(Thread thread) {
    for (StackTraceElement frame : thread.getStackTrace()) {
      if (frame.getMethodName().equals("awaitRoom")) {
        return true;
      }
    }
    return false;
  }

  /** The threads of the device's queues that live now. */
  static long queueThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(TestHost.MACHINE + "/virtio-console test"))
        .count();
  }

  @Override
  public void close() {
    guest.close();
    memory.close();
    assertEquals(0, queueThreads());
  }
}
