// SPDX-License-Identifier: Apache-2.0

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.virtio.transport.mmio.VirtioMmio;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.Virtqueue;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import io.jkvm.devices.virtio.testing.SplitRingDriver;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.OptionalInt;

/**
 * What a frame costs in the network card: rings, checks and copies, without system calls. Run by
 * frame-cost.sh. The shortest time of many short rounds, since everything else is other programs.
 */
final class FrameCost {
  private static final long MAC = 0x02_00_5e_10_00_01L;
  private static final long RINGS = 0x10000;
  private static final long DATA = 0x100000;
  private static final int HEADER = 12;
  private static final int RING = 256;
  private static final int BUFFER = 1536;
  private static final int BURST = 128;
  private static final int ROUNDS = 3000;

  // CSUM, GUEST_CSUM, GUEST_TSO4, HOST_TSO4, MRG_RXBUF; EVENT_IDX, VERSION_1 (virtio 1.2, 5.1.3).
  private static final long FEATURES = 1 | 2 | 1 << 7 | 1 << 11 | 1 << 15 | 1L << 29 | 1L << 32;

  /** Takes everything and does nothing. */
  private static final class Nowhere implements NetworkBackend {
    @Override
    public String name() {
      return "nowhere";
    }

    @Override
    public void start(NetworkCard card) {}

    @Override
    public boolean transmit(int queuePair, Frame frame) {
      return true;
    }

    @Override
    public int transmitOffloads() {
      return Offload.SOFTWARE;
    }

    @Override
    public void close() {}
  }

  public static void main(String[] arguments) throws Exception {
    for (int bytes : new int[] {64, 1514, 65000}) {
      System.out.printf("from the guest, %5d bytes: %6.2f us%n", bytes, transmit(bytes) / 1000.0);
    }
    for (int bytes : new int[] {64, 1514, 65000}) {
      System.out.printf("to the guest,   %5d bytes: %6.2f us%n", bytes, receive(bytes) / 1000.0);
    }
  }

  private static long transmit(int bytes) throws Exception {
    GuestMemory memory = GuestMemory.allocate(16 << 20);
    VirtioNet card = new VirtioNet(MAC, OptionalInt.empty(), new Nowhere());
    card.activate(FEATURES);
    SplitRingDriver driver = new SplitRingDriver(memory, RING, RINGS);
    memory.writeU8(DATA, 1); // a checksum is left to be computed, as Linux leaves it
    memory.writeU16(DATA + 6, 34);
    memory.writeU16(DATA + 8, 6);
    Virtqueue queue = driver.device();
    DescriptorChain request = queue.newChain();
    RequestHandler sender = HandlerAccess.of(card, 1, queue, FEATURES);
    long shortest = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < BURST; i++) {
        driver.add(Buffer.out(DATA, HEADER + bytes));
      }
      long start = System.nanoTime();
      while (queue.poll(request)) {
        queue.addUsed(request.head(), sender.process(request));
      }
      queue.needsInterrupt();
      shortest = Math.min(shortest, (System.nanoTime() - start) / BURST);
    }
    memory.close();
    return shortest;
  }

  private static long receive(int bytes) throws Exception {
    GuestMemory memory = GuestMemory.allocate(16 << 20);
    VirtioNet card = new VirtioNet(MAC, OptionalInt.empty(), new Nowhere());
    EventFd interrupt = new EventFd();
    VirtioMmio mmio = new VirtioMmio(card, TestHost.of(memory), interrupt::signal, 0);
    MmioDriver driver = new MmioDriver(mmio);
    SplitRingDriver ring = new SplitRingDriver(memory, RING, RINGS);
    driver.status(0);
    driver.negotiate(FEATURES);
    driver.setUpQueue(0, ring);
    driver.driverOk();
    Frame frame = new Frame();
    frame.bytes().writeZero(bytes);
    frame.header().needChecksum(34, 16);
    if (bytes > 1514) {
      frame.header().segment(1, 54, 1448);
    }
    int buffers = (bytes + HEADER + BUFFER - 1) / BUFFER;
    int burst = Math.max(1, BURST / buffers);
    long shortest = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < burst * buffers; i++) {
        ring.add(Buffer.in(DATA + 2048L * i, BUFFER));
      }
      long start = System.nanoTime();
      for (int i = 0; i < burst; i++) {
        if (!card.receive(0, frame)) {
          throw new IllegalStateException("no room");
        }
      }
      shortest = Math.min(shortest, (System.nanoTime() - start) / burst);
    }
    mmio.close();
    interrupt.close();
    memory.close();
    return shortest;
  }
}
