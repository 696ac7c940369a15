// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.SoftwareOffload;
import io.jkvm.devices.network.testing.RecordingCard;
import io.jkvm.devices.network.testing.RecordingNetworkBackend;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class BackendPortTest {
  private final EthernetSwitch network = new EthernetSwitch("lab");
  private final RecordingNetworkBackend backend = new RecordingNetworkBackend(Offload.NONE);
  private final RecordingCard card = new RecordingCard();
  private final NetworkBackend guest = network.newPort();

  @Test
  void framesGoBothWaysAndAreFinishedForTheBackend() throws IOException {
    guest.start(card);
    BackendPort joined = new BackendPort(network, backend);
    joined.start();
    assertEquals(guest.transmitOffloads(), backend.receiveOffloads());
    assertTrue(backend.card().receive(2, TestFrames.numbered(1, 2, 77, 60)));
    assertEquals(1, card.count());

    Frame frame = TestFrames.hex(TestFrames.UDP4);
    frame.header().needChecksum(34, 6);
    assertTrue(guest.transmit(0, frame));
    RecordingCard.Received sent = backend.transmitted.received().get(0);
    assertEquals(Offload.NONE, sent.offloads());
    assertFalse(SoftwareOffload.checksumValid(frame));

    card.setFull(true);
    assertTrue(backend.card().receive(0, frame), "a full guest does not hold up the backend");
    joined.close();
    assertTrue(backend.isClosed());
    assertEquals(1, network.portCount());
    guest.transmit(0, TestFrames.numbered(1, 2, 0, 60));
    assertNull(backend.transmitted.wrong());
  }

  @Test
  void backendThatCannotStartIsClosedAndNotJoined() {
    backend.refuseStart(new IOException("no such socket"));
    BackendPort joined = new BackendPort(network, backend);
    assertThrows(IOException.class, joined::start);
    assertTrue(backend.isClosed());
    assertEquals(0, network.portCount());
  }

  @Test
  void backendThatBlocksDoesNotHoldUpTheSwitch() throws IOException {
    guest.start(card);
    long[] now = {0};
    int[] calls = {0};
    NetworkBackend stuck =
        new NetworkBackend() {
          @Override
          public String name() {
            return "stuck";
          }

          @Override
          public void start(io.jkvm.devices.network.NetworkCard ignored) {}

          @Override
          public boolean transmit(int queuePair, Frame frame) {
            calls[0]++;
            now[0] += 200_000_000L;
            return false;
          }

          @Override
          public void close() {}
        };
    try (BackendPort joined =
        new BackendPort(network, stuck, new SoftwareOffload(), () -> now[0])) {
      joined.start();
      for (int i = 0; i < 100; i++) {
        guest.transmit(0, TestFrames.numbered(1, 2, 0, 60));
      }
      assertEquals(1, calls[0]);
      now[0] += 999_000_000L;
      guest.transmit(0, TestFrames.numbered(1, 2, 0, 60));
      assertEquals(1, calls[0], "not within a second");
      now[0] += 1_000_000L;
      guest.transmit(0, TestFrames.numbered(1, 2, 0, 60));
      assertEquals(2, calls[0], "a second later it is tried again");
    }
  }
}
