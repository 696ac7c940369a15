// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.pcap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.testing.RecordingCard;
import io.jkvm.devices.network.testing.RecordingNetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CapturingBackendTest {
  @TempDir Path directory;

  @Test
  void recordsBothDirectionsButNotWhatTheGuestRefused() throws IOException {
    RecordingNetworkBackend inner = new RecordingNetworkBackend(Offload.CSUM);
    RecordingCard card = new RecordingCard();
    Path file = directory.resolve("net.pcap");
    CapturingBackend backend = new CapturingBackend(inner, PcapWriter.open(file));
    backend.start(card);
    Frame sent = TestFrames.numbered(1, 2, 1, 60);
    Frame came = TestFrames.numbered(2, 1, 2, 70);
    assertTrue(backend.transmit(0, sent));
    assertTrue(inner.card().receive(0, came));
    card.setFull(true);
    assertFalse(inner.card().receive(0, came));
    inner.transmitted.setFull(true);
    assertFalse(backend.transmit(0, sent));
    assertEquals(1, inner.transmitted.count());
    assertEquals(1, card.count());

    List<PcapFile.Packet> packets = PcapFile.read(file);
    assertEquals(3, packets.size());
    assertArrayEquals(TestFrames.bytes(sent), packets.get(0).bytes());
    assertArrayEquals(TestFrames.bytes(came), packets.get(1).bytes());
    assertArrayEquals(TestFrames.bytes(sent), packets.get(2).bytes());
    backend.close();
    assertTrue(inner.isClosed());
  }

  @Test
  void passesEverythingElseOn() throws IOException {
    RecordingNetworkBackend inner = new RecordingNetworkBackend(Offload.CSUM);
    RecordingCard card = new RecordingCard();
    try (CapturingBackend backend =
        new CapturingBackend(inner, PcapWriter.open(directory.resolve("net.pcap")))) {
      backend.start(card);
      assertEquals("recording", backend.name());
      assertEquals(Offload.CSUM, backend.transmitOffloads());
      assertEquals(3, backend.queuePairs());
      assertEquals(1234, backend.mtu().getAsInt());
      backend.receiveOffloads(5);
      assertEquals(5, inner.receiveOffloads());
      inner.card().setLink(false);
      assertFalse(card.isUp());
    }
  }

  @Test
  void networkGoesOnWhenTheCaptureHasEnded() throws IOException {
    RecordingNetworkBackend inner = new RecordingNetworkBackend(Offload.NONE);
    PcapWriter capture = PcapWriter.open(directory.resolve("net.pcap"));
    try (CapturingBackend backend = new CapturingBackend(inner, capture)) {
      backend.start(new RecordingCard());
      capture.close();
      assertTrue(backend.transmit(0, TestFrames.numbered(1, 2, 1, 60)));
      assertTrue(inner.card().receive(0, TestFrames.numbered(1, 2, 1, 60)));
    }
  }
}
