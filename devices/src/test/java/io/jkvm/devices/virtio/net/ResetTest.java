// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.BROADCAST;
import static io.jkvm.devices.virtio.net.NetFixture.GROUP;
import static io.jkvm.devices.virtio.net.NetFixture.OTHER;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one driver asked for and the next one must not find. */
@Timeout(300)
class ResetTest {
  private static final int STATUS = 0x106;

  @Test
  void theFilterIsForgotten() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(10, 1000);
      assertEquals(0, guest.command(0, 0, (byte) 0));
      assertEquals(0, guest.command(0, 5, (byte) 1));
      assertFalse(guest.gets(OTHER) || guest.gets(GROUP) || guest.gets(BROADCAST));
      guest.startWith(0); // a driver that could not even ask for more
      guest.giveBuffers(10, 1000);
      assertTrue(guest.gets(OTHER));
      assertTrue(guest.gets(GROUP));
      assertTrue(guest.gets(BROADCAST));
    }
  }

  @Test
  void onlyTheFirstPairIsInUseAgain() throws Exception {
    RecordingNetwork network = new RecordingNetwork(0, 2, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network).setUpPairs(2).startWithout(0)) {
      guest.giveBuffersTo(1, 1, 1000);
      assertEquals(0, guest.command(4, 0, (byte) 2, (byte) 0));
      assertTrue(guest.card.receive(1, asFrame(frame(60, 1))));
      assertEquals(1, guest.rx(1).usedIndex());
      guest.startWithout(0);
      guest.giveBuffersTo(0, 1, 1000);
      guest.giveBuffersTo(1, 1, 1000);
      assertTrue(guest.card.receive(1, asFrame(frame(60, 1))));
      assertEquals(1, guest.rx(0).usedIndex());
      assertEquals(0, guest.rx(1).usedIndex());
    }
  }

  @Test
  void theWishForAnAnnouncementIsForgotten() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.card.setLink(false);
      guest.card.setLink(true);
      assertEquals(3, guest.mmio.read(STATUS, 2));
      guest.driver.status(0);
      assertEquals(1, guest.mmio.read(STATUS, 2));
      guest.startWithout(0);
      assertEquals(1, guest.mmio.read(STATUS, 2));
    }
  }

  /** The link is the network's, not the driver's. */
  @Test
  void aLinkThatIsDownStaysDown() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.card.setLink(false);
      guest.startWithout(0);
      assertEquals(0, guest.mmio.read(STATUS, 2));
    }
  }
}
