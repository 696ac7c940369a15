// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames from the guest: what goes out, what is done to them before, what is refused. */
@Timeout(300)
class TransmitTest {
  private static byte[] header(int flags, int gso, int headers, int size, int start, int offset) {
    return new byte[] {
      (byte) flags,
      (byte) gso,
      (byte) headers,
      (byte) (headers >> 8),
      (byte) size,
      (byte) (size >> 8),
      (byte) start,
      (byte) (start >> 8),
      (byte) offset,
      (byte) (offset >> 8),
      0,
      0
    };
  }

  @Test
  void aFrameGoesOutAsItIs() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      int[] lengths = {14, 60, 1514, 9014, Frame.MAX_BYTES};
      for (int i = 0; i < lengths.length; i++) {
        byte[] frame = frame(lengths[i], i);
        guest.send(new byte[HEADER], frame);
        assertArrayEquals(frame, network.sent().get(i).bytes());
        assertEquals(0, network.sent().get(i).header().offloads());
      }
      assertEquals(0, guest.tx.usedLength(0), "nothing was written by the device");
      assertEquals(lengths.length, guest.card.statistics().sent());
    }
  }

  @Test
  void anyLayoutOfDescriptorsIsTheSameFrame() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      byte[] frame = frame(100, 1);
      guest.memory.write(TX_DATA, new byte[HEADER], 0, HEADER);
      guest.memory.write(TX_DATA + HEADER, frame, 0, frame.length);
      guest.sendRaw(
          Buffer.out(TX_DATA, 5),
          Buffer.out(TX_DATA + 5, 8),
          Buffer.out(TX_DATA + 13, 98),
          Buffer.out(TX_DATA + 111, 1));
      assertArrayEquals(frame, network.sent().get(0).bytes());
    }
  }

  @Test
  void aMissingChecksumIsComputedWhereTheNetworkDoesNot() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      byte[] frame = frame(60, 2);
      frame[40] = 0x12;
      frame[41] = 0x34;
      guest.send(header(1, 0, 0, 0, 34, 6), frame);
      byte[] sent = network.sent().get(0).bytes();
      int sum = 0;
      for (int i = 34; i < 60; i += 2) {
        int word = i == 40 ? 0x1234 : (frame[i] & 0xff) << 8 | frame[i + 1] & 0xff;
        sum += word;
      }
      sum = (sum & 0xffff) + (sum >>> 16);
      sum = (sum & 0xffff) + (sum >>> 16);
      assertEquals(~sum & 0xffff, (sent[40] & 0xff) << 8 | sent[41] & 0xff);
      assertEquals(0, network.sent().get(0).header().offloads());
    }
  }

  @Test
  void theNetworkIsToldWhatIsLeftToDoIfItTakesThat() throws Exception {
    RecordingNetwork network =
        new RecordingNetwork(Offload.SOFTWARE | Offload.UFO, 1, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      byte[] frame = frame(4000, 3);
      guest.send(header(1, 0x81, 54, 1400, 34, 16), frame);
      RecordingNetwork.Sent sent = network.sent().get(0);
      assertArrayEquals(frame, sent.bytes());
      assertEquals(Offload.CSUM | Offload.TSO4 | Offload.ECN, sent.header().offloads());
      assertEquals(1400, sent.header().gsoSize());
      assertEquals(34, sent.header().checksumStart());
      assertEquals(16, sent.header().checksumOffset());
      assertEquals(54, sent.header().headerBytes());
    }
  }

  @Test
  void aGuestCanNotVouchForItsOwnChecksums() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.send(header(0xfe, 0, 0, 0, 0, 0), frame(60, 7));
      assertEquals(0, network.sent().get(0).header().flags());
    }
  }

  @Test
  void headersThatLieCostTheirFrameOnly() throws Exception {
    RecordingNetwork network =
        new RecordingNetwork(Offload.SOFTWARE | Offload.UFO, 1, OptionalInt.empty());
    byte[][] lies = {
      header(1, 0, 0, 0, 59, 0), // the checksum's second byte is outside
      header(1, 0, 0, 0, 0xffff, 0xffff),
      header(1, 2, 0, 0, 0, 0), // no such type
      header(1, 0x80, 0, 0, 34, 16), // ECN of nothing
      header(1, 1, 54, 0, 34, 16), // segments of nothing
      header(0, 1, 54, 1400, 34, 16), // segments without checksums
      header(1, 1, 61, 1400, 34, 16), // headers longer than the frame
      header(1, 0xff, 54, 1400, 34, 16),
    };
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      for (byte[] lie : lies) {
        guest.send(lie, frame(60, 4));
      }
      assertEquals(0, network.count());
      assertEquals(lies.length, guest.card.statistics().sendDropped());
      guest.send(new byte[HEADER], frame(60, 5));
      assertEquals(1, network.count());
    }
  }

  @Test
  void whatWasNotNegotiatedIsNotDone() throws Exception {
    RecordingNetwork network =
        new RecordingNetwork(Offload.SOFTWARE | Offload.UFO, 1, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network).startWith(NetFeatures.CSUM)) {
      guest.send(header(1, 1, 54, 1400, 34, 16), frame(3000, 6));
      guest.send(header(1, 3, 54, 1400, 34, 16), frame(3000, 6));
      assertEquals(0, network.count());
      guest.send(header(1, 0, 0, 0, 34, 16), frame(3000, 6));
      assertEquals(1, network.count());
    }
  }

  @Test
  void framesThatAreNoneAreDropped() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.send(new byte[HEADER], new byte[0]);
      guest.send(new byte[HEADER], frame(14, 1).clone());
      guest.sendRaw(Buffer.out(TX_DATA, HEADER + 13));
      guest.sendRaw(Buffer.out(TX_DATA, HEADER + Frame.MAX_BYTES + 1));
      guest.sendRaw(Buffer.out(TX_DATA, 4 << 20));
      assertEquals(1, network.count());
      assertEquals(4, guest.card.statistics().sendDropped());
      assertTrue(!guest.needsReset());
    }
  }

  @Test
  void requestsThatCanNotHoldAFrameNeedAReset() throws Exception {
    Buffer[][] broken = {
      {Buffer.out(TX_DATA, HEADER - 1)},
      {Buffer.in(TX_DATA, 100)},
      {Buffer.out(TX_DATA, 100), Buffer.in(TX_DATA, 1)},
      {Buffer.out(TX_DATA, 0)},
      {Buffer.out(16 << 20, 100)},
      {Buffer.out(-1, 100)},
    };
    for (Buffer[] request : broken) {
      RecordingNetwork network = new RecordingNetwork();
      try (NetFixture guest = new NetFixture(network).startWithout(0)) {
        guest.sendRaw(request);
        assertTrue(guest.needsReset());
        assertEquals(0, network.count());
      }
    }
  }

  @Test
  void aNetworkThatThrowsCostsTheFrameOnly() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      network.breakDown(true);
      for (int i = 1; i <= 10; i++) {
        guest.send(new byte[HEADER], frame(60, i));
        assertEquals(i, guest.card.statistics().sendDropped());
      }
      network.breakDown(false);
      guest.send(new byte[HEADER], frame(60, 1));
      assertEquals(1, network.count());
      assertEquals(1, guest.card.statistics().sent());
    }
  }

  @Test
  void noCarrierTakesNothing() throws Exception {
    RecordingNetwork network = new RecordingNetwork();
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.card.setLink(false);
      guest.send(new byte[HEADER], frame(60, 1));
      assertEquals(0, network.count());
      guest.card.setLink(true);
      guest.send(new byte[HEADER], frame(60, 1));
      assertEquals(1, network.count());
    }
  }

  @Test
  void queuesBeyondTheNegotiatedOnesAreRefused() throws Exception {
    RecordingNetwork network = new RecordingNetwork(0, 2, OptionalInt.empty());
    try (NetFixture guest = new NetFixture(network)) {
      guest.driver.negotiate(guest.driver.offeredFeatures() & ~NetFeatures.MQ);
      guest.driver.setUpQueue(3, guest.tx);
      guest.driver.driverOk();
      guest.tx.add(Buffer.out(TX_DATA, 100));
      guest.driver.notifyQueue(3);
      assertTrue(MmioDriver.await(guest::needsReset));
      assertEquals(0, network.count());
    }
  }
}
