// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.net.NetDevice;
import io.jkvm.core.linux.net.TapQueue;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import java.lang.management.ManagementFactory;
import java.net.DatagramSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How taps come into being, and what happens when they go, or are closed, under way. */
@Timeout(300)
class TapLifeTest {
  private static final String TAP = HostNetwork.TAP;

  private static List<Thread> readers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("card " + TAP + " rx"))
        .collect(Collectors.toList());
  }

  private static void awaitNoReaders() throws InterruptedException {
    for (int i = 0; i < 12_000 && !readers().isEmpty(); i++) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    assertEquals(List.of(), readers());
  }

  private static int tapDescriptors() throws Exception {
    int count = 0;
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors.collect(Collectors.toList())) {
        if (Files.isSymbolicLink(descriptor)
            && Files.readSymbolicLink(descriptor).toString().equals(TapQueue.DRIVER)) {
          count++;
        }
      }
    }
    return count;
  }

  private static Frame anyFrame() {
    Frame frame = new Frame();
    frame.bytes().writeZero(60).setByte(frame.bytes().readerIndex(), 0xff);
    return frame;
  }

  @Test
  void oneThatIsMadeIsUpAndGoesAway() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      int before = tapDescriptors();
      NetDevice device = new NetDevice(TAP);
      try (TapBackend tap = host.open(2)) {
        tap.start(new EchoGuest(tap));
        assertTrue(host.namespace.call(device::isUp));
        assertEquals(before + 2, tapDescriptors());
      }
      assertFalse(host.namespace.call(device::exists));
      assertEquals(List.of(), readers());
      assertEquals(before, tapDescriptors());
    }
  }

  /** Whether it is one with several queues is looked up, not asked of the user. */
  @Test
  void oneThatExistsStaysAsItIs() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      NetDevice device = new NetDevice(TAP);
      for (String multiQueue : new String[] {"", "multi_queue"}) {
        String add = "ip tuntap add " + TAP + " mode tap " + multiQueue;
        host.namespace.exec(add.strip().split(" "));
        for (int i = 0; i < 2; i++) {
          try (TapBackend tap = host.open(1)) {
            assertEquals(1, tap.queuePairs());
            assertFalse(host.namespace.call(device::isUp), "left down");
          }
        }
        assertTrue(host.namespace.call(device::exists));
        host.namespace.exec("ip", "link", "delete", TAP);
      }
    }
  }

  /** Deleted: the link goes down once, reading ends, sending drops, closing works. */
  @Test
  void deletedUnderWay() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(4)) {
      EchoGuest guest = new EchoGuest(tap);
      tap.start(guest);
      assertTrue(host.ping());
      assertEquals(4, readers().size());
      host.namespace.exec("ip", "link", "delete", TAP);
      awaitNoReaders();
      assertEquals(1, guest.linkDown.get());
      for (int queue = 0; queue < 4; queue++) {
        assertFalse(tap.transmit(queue, anyFrame()));
      }
      tap.receiveOffloads(1);
    }
  }

  /** Each change takes a lock of the whole host's networking. */
  @Test
  void whoChangesOffloadsAllTheTimeIsHeldUp() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1)) {
      tap.start(new EchoGuest(tap));
      long start = System.nanoTime();
      for (int i = 0; i < 100; i++) {
        tap.receiveOffloads(i % 2 == 0 ? Offload.CSUM : Offload.NONE);
      }
      assertTrue(System.nanoTime() - start > 60 * 20_000_000L, "nothing holds it up");
    }
  }

  /** Down and up again: frames are dropped meanwhile, and waiting costs nothing. */
  @Test
  void downForAWhile() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1)) {
      EchoGuest guest = new EchoGuest(tap);
      tap.start(guest);
      assertTrue(tap.transmit(0, anyFrame()));
      host.namespace.exec("ip", "link", "set", TAP, "down");
      assertFalse(tap.transmit(0, anyFrame()));
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long reader = readers().get(0).getId();
      long before = threads.getThreadCpuTime(reader);
      TimeUnit.MILLISECONDS.sleep(500);
      long used = threads.getThreadCpuTime(reader) - before;
      assertTrue(used < 50_000_000, "half a second of waiting takes " + used + " ns");
      host.namespace.exec("ip", "link", "set", TAP, "up");
      assertTrue(host.ping());
      assertEquals(0, guest.linkDown.get());
    }
  }

  /** A header that the kernel refuses costs the frame and nothing else. */
  @Test
  void aFrameThatTheKernelRefusesIsDropped() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.openWithAddress(1)) {
      tap.start(new EchoGuest(tap));
      Frame frame = anyFrame();
      frame.header().needChecksum(60000, 16);
      assertFalse(tap.transmit(0, frame));
      frame.header().clear();
      frame.header().segment(77, 54, 1448);
      assertFalse(tap.transmit(0, frame));
      Frame empty = new Frame();
      assertFalse(tap.transmit(0, empty));
      assertTrue(host.ping());
    }
  }

  /** Closing does not wait for a guest that makes no room, and gives it nothing afterwards. */
  @Test
  void closedWhileTheGuestHasNoRoom() throws Exception {
    CountDownLatch waiting = new CountDownLatch(1);
    AtomicInteger calls = new AtomicInteger();
    NetworkCard full =
        new NetworkCard() {
          @Override
          public boolean receive(int queuePair, Frame frame) {
            calls.incrementAndGet();
            return false;
          }

          @Override
          public void awaitRoom(int queuePair, int timeoutMilliseconds) {
            waiting.countDown();
            try {
              TimeUnit.MILLISECONDS.sleep(timeoutMilliseconds);
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          }

          @Override
          public void setLink(boolean up) {}
        };
    try (HostNetwork host = new HostNetwork()) {
      TapBackend tap = host.openWithAddress(1);
      DatagramSocket socket = host.socket();
      tap.start(full);
      socket.setSoTimeout(1);
      HostNetwork.echo(socket, 10);
      waiting.await();
      tap.close();
      // Nobody is left who could give it anything.
      assertEquals(List.of(), readers());
      assertTrue(calls.get() > 0);
      socket.close();
    }
  }

  /** Nobody sends by a descriptor that is closed and perhaps another file's by now. */
  @Test
  void closedWhileOthersSend() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      for (int round = 0; round < 20; round++) {
        TapBackend tap = host.open(2);
        tap.start(new EchoGuest(tap));
        AtomicInteger failed = new AtomicInteger();
        Thread[] senders = new Thread[2];
        for (int i = 0; i < senders.length; i++) {
          int queue = i;
          senders[i] =
              new Thread(
                  () -> {
                    Frame frame = anyFrame();
                    while (tap.transmit(queue, frame)) {
                      Thread.onSpinWait();
                    }
                    failed.incrementAndGet();
                  });
          senders[i].start();
        }
        TimeUnit.MILLISECONDS.sleep(5);
        tap.close();
        for (Thread sender : senders) {
          sender.join();
        }
        assertEquals(2, failed.get(), "each ends with a frame dropped and no exception");
        tap.receiveOffloads(0);
        tap.close();
      }
      assertEquals(List.of(), readers());
    }
  }

  @Test
  void closedWithoutStart() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.open(3).close();
      assertFalse(host.namespace.call(() -> new NetDevice(TAP).exists()));
    }
  }
}
