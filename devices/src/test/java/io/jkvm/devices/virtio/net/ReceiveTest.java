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

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.MmioDriver;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames to the guest: buffers of all sizes, too few of them, broken ones. */
@Timeout(300)
class ReceiveTest {
  private static final long NOT_MERGEABLE = NetFeatures.MRG_RXBUF;

  @Test
  void aFrameFillsAsManyBuffersAsItNeeds() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(60, 1000);
      int buffer = 0;
      int[] lengths = {14, 988, 989, 1988, 1989, 9014, 40_000};
      for (int length : lengths) {
        byte[] sent = frame(length, length);
        assertTrue(guest.card.receive(0, asFrame(sent)));
        int buffers = (HEADER + length + 999) / 1000;
        assertEquals(buffer + buffers, guest.rx.usedIndex());
        byte[] header = guest.read(RX_DATA + 1000L * buffer, HEADER);
        assertEquals(buffers, header[10] & 0xff);
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        for (int i = 0; i < buffers; i++) {
          int used = guest.rx.usedLength(buffer + i);
          received.write(guest.read(RX_DATA + 1000L * (buffer + i), used));
          assertTrue(i == buffers - 1 || used == 1000);
        }
        byte[] bytes = received.toByteArray();
        assertArrayEquals(sent, Arrays.copyOfRange(bytes, HEADER, bytes.length));
        buffer += buffers;
      }
      assertEquals(lengths.length, guest.card.statistics().received());
      assertTrue(guest.interrupt.await(120_000));
    }
  }

  @Test
  void withoutMergingOneBufferHoldsAllOrTheFrameIsDropped() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(NOT_MERGEABLE)) {
      guest.giveBuffers(2, 1000);
      assertTrue(guest.card.receive(0, asFrame(frame(989, 1))));
      assertEquals(0, guest.rx.usedIndex());
      assertEquals(1, guest.card.statistics().receiveDropped());
      byte[] fits = frame(988, 2);
      assertTrue(guest.card.receive(0, asFrame(fits)));
      assertEquals(1, guest.rx.usedIndex());
      assertEquals(1000, guest.rx.usedLength(0));
      assertArrayEquals(fits, guest.read(RX_DATA + HEADER, 988));
      assertEquals(1, guest.read(RX_DATA, HEADER)[10]);
    }
  }

  @Test
  void withoutBuffersTheSenderKeepsTheFrameUntilThereAreSome() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      Frame frame = asFrame(frame(1500, 1));
      assertFalse(guest.card.receive(0, frame));
      guest.giveBuffers(1, 1000);
      assertFalse(guest.card.receive(0, frame), "half a frame fits");
      assertEquals(0, guest.rx.usedIndex());
      Thread sender =
          new Thread(
              () -> {
                while (!guest.card.receive(0, frame)) {
                  guest.card.awaitRoom(0, 30_000);
                }
              });
      sender.start();
      assertTrue(
          MmioDriver.await(() -> sender.getState() == Thread.State.RUNNABLE && asksForMore(guest)));
      guest.rx.add(Buffer.in(RX_DATA + 5000, 1000));
      guest.driver.notifyQueue(0);
      sender.join(120_000);
      assertFalse(sender.isAlive(), "not woken");
      assertEquals(2, guest.rx.usedIndex());
      assertArrayEquals(frame(1500, 1), join(guest));
    }
  }

  /** The device wants to know of the buffer after the one it has seen. */
  private static boolean asksForMore(NetFixture guest) throws io.jkvm.core.memory.GuestFault {
    return guest.rx.availEvent() == guest.rx.availIndex();
  }

  private static byte[] join(NetFixture guest) throws Exception {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.write(guest.read(RX_DATA + HEADER, 988));
    all.write(guest.read(RX_DATA + 5000, 512));
    return all.toByteArray();
  }

  @Test
  void aFrameLargerThanAFullRingIsDropped() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(64, 100);
      assertTrue(guest.card.receive(0, asFrame(frame(6400, 1))));
      assertEquals(0, guest.rx.usedIndex());
      assertEquals(1, guest.card.statistics().receiveDropped());
      assertTrue(guest.card.receive(0, asFrame(frame(6388, 1))));
      assertEquals(64, guest.rx.usedIndex());
    }
  }

  @Test
  void nobodyListeningIsNoReasonToWait() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork())) {
      assertTrue(guest.card.receive(0, asFrame(frame(60, 1))));
      guest.startWithout(0);
      guest.giveBuffers(1, 1000);
      guest.card.setLink(false);
      assertTrue(guest.card.receive(0, asFrame(frame(60, 1))));
      assertEquals(0, guest.rx.usedIndex());
      assertEquals(2, guest.card.statistics().receiveDropped());
    }
  }

  @Test
  void brokenBuffersNeedAReset() throws Exception {
    Buffer[][] broken = {
      {Buffer.in(RX_DATA, HEADER - 1)},
      {Buffer.out(RX_DATA, 100)},
      {Buffer.out(RX_DATA, 100), Buffer.in(RX_DATA, 2000)},
      {Buffer.in(RX_DATA, 0)},
      {Buffer.in((16 << 20) - 10, 2000)},
      {Buffer.in(RX_DATA, 20), Buffer.in(-2000, 2000)},
    };
    for (Buffer[] buffers : broken) {
      try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
        guest.rx.add(buffers);
        assertTrue(guest.card.receive(0, asFrame(frame(60, 1))));
        assertTrue(guest.needsReset());
        assertEquals(0, guest.rx.usedIndex());
        assertTrue(guest.card.receive(0, asFrame(frame(60, 1))));
        guest.card.awaitRoom(0, 1);
      }
    }
  }

  @Test
  void framesOfNoLengthOrTooMuchAreDropped() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(64, 4096);
      Frame huge = new Frame(Frame.MAX_BYTES + 1);
      huge.bytes().writeZero(Frame.MAX_BYTES + 1);
      assertTrue(guest.card.receive(0, huge));
      assertTrue(guest.card.receive(0, asFrame(new byte[0])));
      assertTrue(guest.card.receive(0, asFrame(new byte[13])));
      assertEquals(0, guest.rx.usedIndex());
      assertEquals(3, guest.card.statistics().receiveDropped());
    }
  }

  @Test
  void theHeaderSaysWhatIsLeftToDoOnlyIfTheDriverTakesIt() throws Exception {
    Frame frame = asFrame(frame(60, 1));
    frame.header().needChecksum(34, 16);
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(1, 1000);
      assertTrue(guest.card.receive(0, frame));
      byte[] header = guest.read(RX_DATA, HEADER);
      assertEquals(VnetHeader.F_NEEDS_CSUM, header[0]);
      assertEquals(34, header[6]);
      assertEquals(16, header[8]);
      assertArrayEquals(frame(60, 1), guest.read(RX_DATA + HEADER, 60));
    }
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWith(0)) {
      guest.giveBuffers(1, 1000);
      assertTrue(guest.card.receive(0, frame));
      byte[] header = guest.read(RX_DATA, HEADER);
      assertArrayEquals(new byte[10], Arrays.copyOf(header, 10));
      byte[] received = guest.read(RX_DATA + HEADER, 60);
      byte[] sent = frame(60, 1);
      assertFalse(Arrays.equals(sent, received), "the checksum was computed");
      received[50] = sent[50];
      received[51] = sent[51];
      assertArrayEquals(sent, received);
    }
  }

  @Test
  void aFrameThatCanNotBeFinishedForTheDriverIsNotTriedAgain() throws Exception {
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWith(0)) {
      guest.giveBuffers(1, 1000);
      Frame frame = asFrame(frame(600, 1));
      frame.header().needChecksum(34, 16);
      frame.header().segment(VnetHeader.GSO_TCPV4, 54, 100); // of a frame that has no TCP
      assertTrue(guest.card.receive(0, frame));
      assertEquals(0, guest.rx.usedIndex());
      assertEquals(1, guest.card.statistics().receiveDropped());
    }
  }

  @Test
  void aRightChecksumIsVouchedForIfTheDriverWantsToKnow() throws Exception {
    byte[] udp = udpFrame();
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWithout(0)) {
      guest.giveBuffers(2, 1000);
      guest.card.receive(0, asFrame(udp));
      assertEquals(VnetHeader.F_DATA_VALID, guest.read(RX_DATA, HEADER)[0]);
      udp[44] ^= 1;
      guest.card.receive(0, asFrame(udp));
      assertEquals(0, guest.read(RX_DATA + 1000, HEADER)[0]);
    }
    try (NetFixture guest = new NetFixture(new RecordingNetwork()).startWith(0)) {
      guest.giveBuffers(1, 1000);
      guest.card.receive(0, asFrame(udpFrame()));
      assertEquals(0, guest.read(RX_DATA, HEADER)[0]);
    }
  }

  /** Four bytes from 1.2.3.4 port 7 to 5.6.7.8 port 9; the sums were done by hand. */
  private static byte[] udpFrame() {
    byte[] frame = frame(46, 9);
    byte[] rest = {
      8, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 7, 0, 9, 0, 12, 0,
      0, 'j', 'k', 'v', 'm'
    };
    System.arraycopy(rest, 0, frame, 12, rest.length);
    // 0102+0304+0506+0708 + 0011 + 000c + 0007+0009+000c + 6a6b+766d = f125, its complement 0eda
    frame[40] = 0x0e;
    frame[41] = (byte) 0xda;
    return frame;
  }
}
