// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import static io.jkvm.devices.virtio.vsock.VsockFixture.RAM;
import static io.jkvm.devices.virtio.vsock.VsockFixture.await;
import static io.jkvm.devices.virtio.vsock.VsockFixture.random;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A socket device that is paused, in both directions. */
@Timeout(300)
class VsockPauseTest {
  private static final int ROUNDS = 200;

  private final ReentrantLock vcpu = new ReentrantLock(true);
  private volatile boolean done;

  @ParameterizedTest
  @EnumSource
  void aPausedDeviceKeepsItsHandsOff(Transport transport) throws Exception {
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 1000);
    try (VsockFixture guest = new VsockFixture(transport, device).startConnected()) {
      guest.peer.room(0);
      guest.send(Packet.data(1000, 5, random(900, 1)));
      guest.guest.device().pause();
      guest.guest.takeInterrupts();
      GuestRam ram = new GuestRam(guest.memory, RAM);
      RecordingPeer other = new RecordingPeer();
      ByteBuffer bytes = ByteBuffer.wrap(random(100, 2));
      assertEquals(0, guest.peer.connection().offer(bytes));
      guest.peer.makeRoom(Long.MAX_VALUE); // what is out of the guest already
      assertEquals(900, guest.peer.takenBytes());
      VsockConnection wish = guest.device.connect(22, other);
      guest.peer.connection().shutdownOutput();
      guest.guest.device().pause();
      ram.assertUnchanged();
      assertEquals(0, guest.guest.takeInterrupts());
      guest.guest.device().resume();
      assertEquals("SHUTDOWN 5>1000 flags 2", guest.next().toString());
      assertEquals("REQUEST " + wish.hostPort() + ">22", guest.next().toString());
      Packet update = guest.next();
      assertEquals("CREDIT_UPDATE 5>1000", update.toString());
      assertEquals(900, update.fwdCnt());
      guest.assertSilent();
    }
  }

  @ParameterizedTest
  @EnumSource
  void underLoadNothingIsLostAndNothingChanges(Transport transport) throws Exception {
    byte[] input = random(1 << 24, 3);
    byte[] output = random(1 << 24, 4);
    VirtioVsock device = new VirtioVsock("test", VsockFixture.CID, 5000);
    try (VsockFixture guest = new VsockFixture(transport, device).start()) {
      device.listen(5, guest.peer);
      GuestStream stream = new GuestStream(guest, output, 3000, 5);
      stream.open();
      Thread driver = VsockFixture.start(() -> drive(stream));
      Thread sender = VsockFixture.offerAll(guest.peer.connection(), input);
      for (int round = 0; round < ROUNDS; round++) {
        vcpu.lock();
        guest.peer.makeRoom(round % 3 == 0 ? 50 : 100_000);
        guest.guest.device().pause();
        guest.guest.takeInterrupts();
        GuestRam ram = new GuestRam(guest.memory, RAM);
        guest.guest.notifyQueue(VsockFixture.TX);
        guest.guest.notifyQueue(VsockFixture.RX);
        guest.peer.connection().roomInHost();
        Thread.yield();
        ram.assertUnchanged();
        assertEquals(0, guest.guest.takeInterrupts());
        guest.guest.device().resume();
        vcpu.unlock();
      }
      guest.peer.makeRoom(Long.MAX_VALUE);
      done = true;
      VsockFixture.assertEnds(driver);
      await(() -> guest.peer.takenBytes() == stream.sent(), "bytes are missing");
      assertArrayEquals(Arrays.copyOf(output, stream.sent()), guest.peer.taken());
      assertArrayEquals(Arrays.copyOf(input, stream.readBytes()), stream.read());
      assertTrue(stream.sent() > 0 && stream.readBytes() > 0, "no load");
      guest.send(Packet.of(Packet.RST, 1000, 5));
      VsockFixture.assertEnds(sender);
    }
  }

  private Object drive(GuestStream stream) throws Exception {
    while (!done) {
      vcpu.lock();
      try {
        stream.step();
      } finally {
        vcpu.unlock();
      }
    }
    return null;
  }
}
