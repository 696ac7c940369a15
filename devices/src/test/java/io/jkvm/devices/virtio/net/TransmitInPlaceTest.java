// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.HEADER;
import static io.jkvm.devices.virtio.net.NetFixture.TX_DATA;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.Libc;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.emulation.LinkEmulator;
import io.jkvm.devices.network.emulation.LinkQuality;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.VnetHeader;
import io.jkvm.devices.network.pcap.CapturingBackend;
import io.jkvm.devices.network.pcap.PcapWriter;
import io.jkvm.devices.virtio.testing.Buffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Large frames for a network that takes them from where the guest has them. */
@Timeout(300)
class TransmitInPlaceTest {
  @TempDir Path directory;

  private final RecordingNetwork copies =
      new RecordingNetwork(Offload.CSUM | Offload.TSO4, 1, OptionalInt.empty());
  private final List<byte[]> frames = new ArrayList<>();
  private final List<VnetHeader> headers = new ArrayList<>();
  private volatile boolean taking = true;
  private volatile boolean broken;

  private final NetworkBackend network =
      new NetworkBackend() {
        @Override
        public String name() {
          return "in place";
        }

        @Override
        public void start(NetworkCard card) {}

        @Override
        public boolean transmit(int queuePair, Frame frame) {
          return copies.transmit(queuePair, frame);
        }

        @Override
        public int transmitOffloads() {
          return copies.transmitOffloads();
        }

        @Override
        public void close() {}

        @Override
        public boolean transmitsInPlace() {
          return true;
        }

        @Override
        public boolean transmitInPlace(int queuePair, VnetHeader header, IoVector frame) {
          if (broken) {
            throw new IllegalStateException("broken by the test");
          }
          if (taking) {
            VnetHeader copy = new VnetHeader();
            copy.set(header);
            headers.add(copy);
            frames.add(bytesOf(frame));
          }
          return taking;
        }
      };

  /** As the kernel sees them. */
  private byte[] bytesOf(IoVector ranges) {
    try {
      Path file = Files.createFile(directory.resolve("frame" + frames.size()));
      try (Fd fd = Fd.open(file.toString(), Libc.O_RDWR)) {
        long written = Libc.pwritev(fd.value(), ranges.address(), ranges.count(), 0);
        assertEquals(ranges.remainingBytes(), written);
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] header(int flags, int gso, int headers, int size, int start, int offset) {
    byte[] header = new byte[HEADER];
    int[] fields = {headers, size, start, offset};
    header[0] = (byte) flags;
    header[1] = (byte) gso;
    for (int i = 0; i < fields.length; i++) {
      header[2 + 2 * i] = (byte) fields[i];
      header[3 + 2 * i] = (byte) (fields[i] >> 8);
    }
    return header;
  }

  @Test
  void aNetworkThatThrowsCostsTheFrameOnly() throws Exception {
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      broken = true;
      guest.send(new byte[HEADER], frame(60_000, 1));
      assertEquals(1, guest.card.statistics().sendDropped());
      broken = false;
      guest.send(new byte[HEADER], frame(60_000, 2));
      assertEquals(1, frames.size());
      assertEquals(1, guest.card.statistics().sent());
    }
  }

  @Test
  void aLargeFrameStaysWhereItIsHoweverItIsLaidOut() throws Exception {
    byte[] header = header(0xff, 1, 54, 1448, 34, 16);
    byte[] frame = frame(60_000, 1);
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.send(header, frame);
      guest.sendRaw(
          Buffer.out(TX_DATA, 5),
          Buffer.out(TX_DATA + 5, 10),
          Buffer.out(TX_DATA + 15, 30_000),
          Buffer.out(TX_DATA + 30_015, HEADER + frame.length - 30_015));
      guest.sendRaw(Buffer.out(TX_DATA, HEADER), Buffer.out(TX_DATA + HEADER, frame.length));
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(frame, frames.get(i));
        assertEquals(Offload.CSUM | Offload.TSO4, headers.get(i).offloads());
        assertEquals(VnetHeader.F_NEEDS_CSUM, headers.get(i).flags());
        assertEquals(1448, headers.get(i).gsoSize());
      }
      assertEquals(0, copies.count());
      assertEquals(3, guest.card.statistics().sent());
    }
  }

  /** The longest chain that there can be, with a part of the frame in each of its buffers. */
  @Test
  void aFrameMayBeInAsManyPlacesAsAChainCanHave() throws Exception {
    byte[] frame = frame(Frame.MAX_BYTES, 6);
    Buffer[] buffers = new Buffer[Frame.MAX_RANGES];
    int part = frame.length / buffers.length;
    int first = HEADER + frame.length - part * (buffers.length - 1);
    buffers[0] = Buffer.out(TX_DATA, first);
    for (int i = 1; i < buffers.length; i++) {
      buffers[i] = Buffer.out(TX_DATA + first + (long) part * (i - 1), part);
    }
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.memory.write(TX_DATA + HEADER, frame, 0, frame.length);
      guest.sendIndirect(0x20000, buffers);
      assertFalse(guest.needsReset());
      assertArrayEquals(frame, frames.get(0));
      assertEquals(0, copies.count());
    }
  }

  /** What looks at frames on their way must get them, however well its network does without. */
  @Test
  void aCaptureBeforeTheNetworkHasTheFrame() throws Exception {
    Path file = directory.resolve("net.pcap");
    try (CapturingBackend capture = new CapturingBackend(network, PcapWriter.open(file));
        NetFixture guest = new NetFixture(capture).startWithout(0)) {
      guest.send(new byte[HEADER], frame(5000, 7));
    }
    byte[] captured = Files.readAllBytes(file);
    int start = 24 + 16; // headers of the file and of its only record
    assertEquals(start + 5000, captured.length);
    assertArrayEquals(frame(5000, 7), Arrays.copyOfRange(captured, start, captured.length));
    assertArrayEquals(frame(5000, 7), copies.sent().get(0).bytes());
    assertEquals(0, frames.size());
  }

  @Test
  void aLossyLinkBeforeTheNetworkLosesTheFrame() throws Exception {
    try (LinkEmulator link = new LinkEmulator("card", network, new LinkQuality(0, 1, 0, 1));
        NetFixture guest = new NetFixture(link).startWithout(0)) {
      guest.send(new byte[HEADER], frame(5000, 7));
      assertEquals(1, link.lostFrames());
      assertEquals(0, frames.size() + copies.count());
    }
  }

  @Test
  void aSmallFrameIsCopied() throws Exception {
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.send(new byte[HEADER], frame(1514, 2));
      assertEquals(0, frames.size());
      assertArrayEquals(frame(1514, 2), copies.sent().get(0).bytes());
    }
  }

  /** Segmentation with ECN is more than this network takes: the card must see the frame. */
  @Test
  void whatTheCardMustDoItselfIsCopied() throws Exception {
    byte[] frame = frame(5000, 3);
    frame[12] = 0x08;
    frame[13] = 0;
    frame[14] = 0x45;
    frame[20] = 0;
    frame[21] = 0;
    frame[23] = 6;
    frame[46] = 0x50;
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      guest.send(header(1, 0x81, 54, 1400, 34, 16), frame);
      assertEquals(0, frames.size());
      assertEquals(4, copies.count());
      byte[] first = copies.sent().get(0).bytes();
      assertEquals(54 + 1400, first.length);
      for (int i = 54; i < first.length; i++) {
        assertEquals(frame[i], first[i]);
      }
    }
  }

  @Test
  void headersThatLieCostTheirFrameOnly() throws Exception {
    byte[][] lies = {
      header(1, 0, 0, 0, 4999, 0),
      header(1, 2, 0, 0, 0, 0),
      header(1, 1, 54, 0, 34, 16),
      header(0, 1, 54, 1400, 34, 16),
      header(1, 1, 5001, 1400, 34, 16),
      header(1, 3, 42, 1400, 34, 6), // not negotiated
    };
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      for (byte[] lie : lies) {
        guest.send(lie, frame(5000, 4));
      }
      assertEquals(0, frames.size() + copies.count());
      assertEquals(lies.length, guest.card.statistics().sendDropped());
      assertFalse(guest.needsReset());
    }
  }

  @Test
  void whatTheNetworkDoesNotTakeIsCounted() throws Exception {
    try (NetFixture guest = new NetFixture(network).startWithout(0)) {
      taking = false;
      guest.send(new byte[HEADER], frame(5000, 5));
      assertEquals(1, guest.card.statistics().sendDropped());
      taking = true;
      guest.send(new byte[HEADER], frame(5000, 5));
      assertEquals(1, guest.card.statistics().sent());
    }
  }
}
