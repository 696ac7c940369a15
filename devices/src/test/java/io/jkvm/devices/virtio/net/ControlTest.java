// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.BROADCAST;
import static io.jkvm.devices.virtio.net.NetFixture.CONTROL;
import static io.jkvm.devices.virtio.net.NetFixture.GROUP;
import static io.jkvm.devices.virtio.net.NetFixture.MAC;
import static io.jkvm.devices.virtio.net.NetFixture.OTHER;
import static io.jkvm.devices.virtio.net.NetFixture.address;
import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.io.ByteArrayOutputStream;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Configuration, features and the commands of the control queue. */
@Timeout(300)
class ControlTest {
  private static final int OK = 0;
  private static final int ERR = 1;

  private static byte[] tables(byte[][] unicast, byte[][] multicast) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[][] table : new byte[][][] {unicast, multicast}) {
      out.writeBytes(new byte[] {(byte) table.length, (byte) (table.length >> 8), 0, 0});
      for (byte[] address : table) {
        out.writeBytes(address);
      }
    }
    return out.toByteArray();
  }

  @Test
  void theConfigurationSaysWhatTheCardIs() throws Exception {
    RecordingNetwork network = new RecordingNetwork(0, 3, OptionalInt.of(9000));
    try (NetFixture guest = new NetFixture(network, OptionalInt.of(9000))) {
      assertEquals(0x0010_5e00_02L | 0x0100_0000_0000L, read48(guest));
      assertEquals(1, guest.mmio.read(0x106, 2));
      assertEquals(3, guest.mmio.read(0x108, 2));
      assertEquals(9000, guest.mmio.read(0x10a, 2));
      assertEquals(0, guest.mmio.read(0x10c, 4));
      long offered = guest.driver.offeredFeatures();
      assertTrue((offered & NetFeatures.MQ) != 0 && (offered & NetFeatures.MTU) != 0);
      assertEquals(0, offered & NetFeatures.HOST_UFO);
    }
    try (NetFixture guest = new NetFixture(new RecordingNetwork())) {
      assertEquals(0, guest.driver.offeredFeatures() & (NetFeatures.MQ | NetFeatures.MTU));
    }
  }

  private static long read48(NetFixture guest) {
    return guest.mmio.read(0x100, 4) | guest.mmio.read(0x104, 2) << 32;
  }

  @Test
  void featuresThatNeedOthersAreRefusedWithoutThem() throws Exception {
    long[] wrong = {
      NetFeatures.GUEST_TSO4,
      NetFeatures.GUEST_TSO6,
      NetFeatures.GUEST_UFO,
      NetFeatures.GUEST_CSUM | NetFeatures.GUEST_ECN,
      NetFeatures.HOST_TSO4,
      NetFeatures.HOST_TSO6,
      NetFeatures.HOST_UFO,
      NetFeatures.CSUM | NetFeatures.HOST_ECN,
      NetFeatures.CTRL_RX,
      NetFeatures.CTRL_MAC_ADDR,
      NetFeatures.GUEST_ANNOUNCE,
      NetFeatures.CTRL_GUEST_OFFLOADS | NetFeatures.GUEST_CSUM,
      NetFeatures.MQ,
    };
    try (NetFixture guest =
        new NetFixture(new RecordingNetwork(Offload.UFO, 2, OptionalInt.empty()))) {
      for (long features : wrong) {
        int status = guest.driver.negotiate(features | NetFixture.VERSION_1);
        assertEquals(0, status & MmioDriver.FEATURES_OK, Long.toHexString(features));
      }
      int status = guest.driver.negotiate(guest.driver.offeredFeatures());
      assertTrue((status & MmioDriver.FEATURES_OK) != 0);
    }
  }

  @Test
  void framesAreFilteredAsTheDriverWants() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(60, 1000);
      assertTrue(guest.gets(OTHER), "promiscuous after a reset");
      assertEquals(OK, guest.command(0, 0, (byte) 0));
      assertFalse(guest.gets(OTHER));
      assertFalse(guest.gets(GROUP));
      assertTrue(guest.gets(BROADCAST));
      assertTrue(guest.gets(address(MAC)));

      assertEquals(OK, guest.command(1, 0, tables(new byte[][] {OTHER}, new byte[][] {GROUP})));
      assertTrue(guest.gets(OTHER));
      assertTrue(guest.gets(GROUP));
      assertFalse(guest.gets(address(MAC + 1)));

      assertEquals(OK, guest.command(0, 5, (byte) 1));
      assertFalse(guest.gets(BROADCAST), "no broadcast");
      assertEquals(OK, guest.command(0, 3, (byte) 1));
      assertFalse(guest.gets(GROUP), "no multicast");
      assertEquals(OK, guest.command(0, 4, (byte) 1));
      assertFalse(guest.gets(address(MAC)), "no unicast");
      for (int mode = 3; mode <= 5; mode++) {
        assertEquals(OK, guest.command(0, mode, (byte) 0));
      }
      assertEquals(OK, guest.command(1, 0, tables(new byte[0][], new byte[0][])));
      assertEquals(OK, guest.command(0, 1, (byte) 1));
      assertTrue(guest.gets(GROUP), "all multicast");
      assertFalse(guest.gets(OTHER));
      assertEquals(OK, guest.command(0, 2, (byte) 1));
      assertTrue(guest.gets(OTHER), "all unicast");
    }
  }

  @Test
  void tablesThatAreTooLongMeanEveryFrame() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(60, 1000);
      byte[][] many = new byte[ControlQueue.MAX_TABLE_ENTRIES + 1][];
      for (int i = 0; i < many.length; i++) {
        many[i] = address(0x0200_0000_0100L + i);
      }
      assertEquals(OK, guest.command(0, 0, (byte) 0));
      assertEquals(OK, guest.command(1, 0, tables(many, new byte[0][])));
      assertTrue(guest.gets(OTHER));
      assertFalse(guest.gets(GROUP));
    }
  }

  @Test
  void theAddressCanBeChangedAndComesBackWithAReset() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(10, 1000);
      guest.command(0, 0, (byte) 0);
      assertEquals(OK, guest.command(1, 1, OTHER));
      assertTrue(guest.gets(OTHER));
      assertFalse(guest.gets(address(MAC)));
      assertEquals(0x0900_0000_0002L, read48(guest));
      assertEquals(ERR, guest.command(1, 1, GROUP));
      assertEquals(ERR, guest.command(1, 1, new byte[6]));
      assertEquals(ERR, guest.command(1, 1, new byte[5]));
      guest.driver.status(0);
      assertEquals(0x0100_105e_0002L, read48(guest));
    }
  }

  @Test
  void theLinksStateIsToldAndAnnounced() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      int generation = guest.driver.read(0xfc);
      guest.card.setLink(true);
      assertEquals(generation, guest.driver.read(0xfc), "no change");
      guest.card.setLink(false);
      assertTrue(guest.driver.read(0xfc) != generation);
      assertEquals(0, guest.mmio.read(0x106, 2));
      assertTrue(guest.interrupt.await(120_000));
      assertEquals(2, guest.driver.read(MmioDriver.INTERRUPT_STATUS) & 2, "a configuration change");
      guest.card.setLink(true);
      assertEquals(3, guest.mmio.read(0x106, 2), "up, and please announce");
      assertEquals(OK, guest.command(3, 0));
      assertEquals(1, guest.mmio.read(0x106, 2));
      assertEquals(ERR, guest.command(3, 1));
    }
  }

  @Test
  void aDriverThatMakesNoAnnouncementsIsAskedForNone() throws Exception {
    try (NetFixture guest =
        new NetFixture(new RecordingNetwork()).startWithout(NetFeatures.GUEST_ANNOUNCE)) {
      guest.card.setLink(false);
      guest.card.setLink(true);
      assertEquals(1, guest.mmio.read(0x106, 2), "up, nothing else");
    }
  }

  @Test
  void queuePairsAreTakenIntoUse() throws Exception {
    RecordingNetwork network = new RecordingNetwork(0, 3, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.giveBuffers(10, 1000);
      // Only pair 0 is in use, whatever queue of the network a frame came by.
      assertTrue(guest.card.receive(2, asFrame(frame(60, 1))));
      assertEquals(1, guest.rx.usedIndex());
      assertEquals(ERR, guest.command(4, 0, (byte) 0, (byte) 0));
      assertEquals(ERR, guest.command(4, 0, (byte) 4, (byte) 0));
      assertEquals(ERR, guest.command(4, 0, (byte) 3));
      assertEquals(OK, guest.command(4, 0, (byte) 3, (byte) 0));
      assertTrue(guest.card.receive(2, asFrame(frame(60, 1))));
      assertEquals(1, guest.rx.usedIndex(), "pair 2 has no queue set up");
      assertEquals(OK, guest.command(4, 0, (byte) 1, (byte) 0));
      assertTrue(guest.card.receive(2, asFrame(frame(60, 1))));
      assertEquals(2, guest.rx.usedIndex());
    }
  }

  @Test
  void whatTheDriverTakesUnfinishedCanBeChanged() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      assertEquals(Offload.SOFTWARE, network.receiveOffloads());
      assertEquals(OK, guest.command(5, 0, new byte[] {2, 0, 0, 0, 0, 0, 0, 0}));
      assertEquals(Offload.CSUM, network.receiveOffloads());
      assertEquals(ERR, guest.command(5, 0, new byte[] {0, 4, 0, 0, 0, 0, 0, 0}), "UFO");
      assertEquals(ERR, guest.command(5, 0, new byte[] {0, 0, 0, 0, 0, 0, 0, -128}));
      assertEquals(ERR, guest.command(5, 0, new byte[] {2}));
      assertEquals(OK, guest.command(5, 0, new byte[8]));
      assertEquals(0, network.receiveOffloads());
      guest.startWithout(NetFeatures.GUEST_TSO6);
      assertEquals(Offload.SOFTWARE & ~Offload.TSO6, network.receiveOffloads());
      guest.driver.status(0);
      assertEquals(0, network.receiveOffloads());
    }
  }

  @Test
  void commandsThatAreNoneAreAnsweredWithAnError() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      byte[] twoAndTwo = tables(new byte[][] {OTHER, OTHER}, new byte[][] {GROUP, GROUP});
      byte[] tooShort = java.util.Arrays.copyOf(twoAndTwo, twoAndTwo.length - 1);
      byte[] lying = twoAndTwo.clone();
      lying[3] = -1;
      assertEquals(ERR, guest.command(1, 0, tooShort));
      assertEquals(ERR, guest.command(1, 0, lying));
      assertEquals(ERR, guest.command(1, 0, new byte[3]));
      assertEquals(ERR, guest.command(0, 0));
      assertEquals(ERR, guest.command(0, 6, (byte) 1));
      assertEquals(ERR, guest.command(0, 0, (byte) 1, (byte) 1));
      assertEquals(ERR, guest.command(2, 0, (byte) 1, (byte) 0), "VLAN filtering");
      assertEquals(ERR, guest.command(4, 0, (byte) 1, (byte) 0), "one pair only");
      assertEquals(ERR, guest.command(255, 255));
      assertFalse(guest.needsReset());
    }
  }

  @Test
  void commandsOfFeaturesThatWereNotNegotiatedAreRefused() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWith(NetFeatures.CTRL_VQ)) {
      assertEquals(ERR, guest.command(0, 0, (byte) 1));
      assertEquals(ERR, guest.command(0, 3, (byte) 1));
      assertEquals(ERR, guest.command(1, 0, tables(new byte[0][], new byte[0][])));
      assertEquals(ERR, guest.command(1, 1, OTHER));
      assertEquals(ERR, guest.command(3, 0));
      assertEquals(ERR, guest.command(5, 0, new byte[8]));
    }
  }

  @Test
  void commandsWithoutRoomForAnAnswerNeedAReset() throws Exception {
    Buffer[][] broken = {
      {Buffer.out(CONTROL, 3)},
      {Buffer.out(CONTROL, 1), Buffer.in(CONTROL + 100, 1)},
      {Buffer.in(CONTROL + 100, 1)},
    };
    for (Buffer[] buffers : broken) {
      try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
        guest.control.add(buffers);
        guest.driver.notifyQueue(2);
        assertTrue(MmioDriver.await(guest::needsReset));
      }
    }
  }
}
