// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.RX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames for drivers that take them unfinished, and for those that do not. */
@Timeout(300)
class GuestOffloadsTest {
  private static final byte[] NOTHING = new byte[10];

  /** The header without its number of buffers, of a frame that comes alone. */
  private static byte[] headerOf(NetFixture guest, Frame frame) throws GuestFault {
    int before = guest.rx.usedIndex();
    guest.giveBuffers(1, 1000);
    assertTrue(guest.card.receive(0, frame));
    assertEquals(before + 1, guest.rx.usedIndex());
    return guest.read(RX_DATA, NOTHING.length);
  }

  @Test
  void whatTheDriverChangesHoldsForTheNextFrame() throws Exception {
    Frame frame = asFrame(frame(60, 1));
    frame.header().needChecksum(34, 16);
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      assertEquals(VnetHeader.F_NEEDS_CSUM, headerOf(guest, frame)[0]);
      assertEquals(0, guest.command(5, 0, new byte[8]));
      assertArrayEquals(NOTHING, headerOf(guest, frame));
      assertFalse(Arrays.equals(frame(60, 1), guest.read(RX_DATA + HEADER, 60)), "no checksum");
      assertEquals(0, guest.command(5, 0, new byte[] {2, 0, 0, 0, 0, 0, 0, 0}));
      assertEquals(VnetHeader.F_NEEDS_CSUM, headerOf(guest, frame)[0]);
      assertArrayEquals(frame(60, 1), guest.read(RX_DATA + HEADER, 60));
    }
  }

  @Test
  void aNetworksWordForAChecksumIsForDriversThatTakeIt() throws Exception {
    Frame frame = asFrame(frame(60, 1));
    frame.header().checksumValid();
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      assertEquals(VnetHeader.F_DATA_VALID, headerOf(guest, frame)[0]);
      guest.startWith(0);
      assertArrayEquals(NOTHING, headerOf(guest, frame));
    }
  }
}
