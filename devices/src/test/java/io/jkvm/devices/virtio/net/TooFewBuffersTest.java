// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.RX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.virtio.testing.Buffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames that are tried again and again until there are enough buffers for them. */
@Timeout(300)
class TooFewBuffersTest {
  private static final int BUFFER = 1000;
  private static final byte[] UNTOUCHED = new byte[3 * BUFFER];

  static {
    Arrays.fill(UNTOUCHED, (byte) 0x5a);
  }

  private static void give(NetFixture guest, int number) throws GuestFault {
    guest.rx.add(Buffer.in(RX_DATA + (long) BUFFER * number, BUFFER));
  }

  /** Else a driver could keep a thread of the host copying for nothing. */
  @Test
  void aFrameIsNotCopiedAgainBeforeThereAreMoreBuffers() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      byte[] sent = frame(3 * BUFFER - HEADER, 1);
      Frame frame = asFrame(sent);
      for (int i = 0; i < 2; i++) {
        give(guest, i);
        assertFalse(guest.card.receive(0, frame));
        guest.memory.write(RX_DATA, UNTOUCHED, 0, UNTOUCHED.length);
        assertFalse(guest.card.receive(0, frame));
        assertFalse(guest.card.receive(0, frame));
        assertArrayEquals(UNTOUCHED, guest.read(RX_DATA, UNTOUCHED.length));
      }
      give(guest, 2);
      assertTrue(guest.card.receive(0, frame));
      assertEquals(3, guest.rx.usedIndex());
      assertEquals(3, guest.read(RX_DATA, HEADER)[10]);
      assertArrayEquals(sent, guest.read(RX_DATA + HEADER, sent.length));
      assertEquals(0, guest.card.statistics().receiveDropped());
    }
  }

  @Test
  void aSmallerFrameIsTriedAllTheSame() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      give(guest, 0);
      assertFalse(guest.card.receive(0, asFrame(frame(1500, 1))));
      assertTrue(guest.card.receive(0, asFrame(frame(60, 2))));
      assertEquals(1, guest.rx.usedIndex());
      assertArrayEquals(frame(60, 2), guest.read(RX_DATA + HEADER, 60));
    }
  }

  /** A driver that has nothing left to add would never be given the frame. */
  @Test
  void aFrameThatNeedsMoreThanAllDescriptorsIsDropped() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      int chains = guest.rx.size() / 2;
      for (int i = 0; i < chains; i++) {
        guest.rx.add(Buffer.in(RX_DATA + 100L * i, 50), Buffer.in(RX_DATA + 100L * i + 50, 50));
      }
      int most = 100 * chains - HEADER;
      assertTrue(guest.card.receive(0, asFrame(frame(most + 1, 1))), "tried for ever");
      assertEquals(1, guest.card.statistics().receiveDropped());
      assertEquals(0, guest.rx.usedIndex());
      assertTrue(guest.card.receive(0, asFrame(frame(most, 2))));
      assertEquals(chains, guest.rx.usedIndex());
      assertArrayEquals(frame(most, 2), guest.read(RX_DATA + HEADER, most));
    }
  }

  /** An indirect table takes one descriptor of the ring, so this driver has half of it left. */
  @Test
  void aFrameWaitsWhileTheRingHasRoomForMoreTables() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      Frame frame = asFrame(frame(4000, 1));
      int chains = guest.rx.size() / 2;
      for (int i = 0; i < 2 * chains; i++) {
        assertFalse(i <= chains && guest.card.receive(0, frame), "dropped");
        long data = RX_DATA + 100L * i;
        guest.rx.addIndirect(TX_DATA + 32L * i, Buffer.in(data, 50), Buffer.in(data + 50, 50));
      }
      assertTrue(guest.card.receive(0, frame));
      assertEquals((4000 + HEADER + 99) / 100, guest.rx.usedIndex());
    }
  }
}
