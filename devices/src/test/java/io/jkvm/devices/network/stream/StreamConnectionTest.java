// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.testing.TestFrames;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens between a peer's going and its coming back. */
@Timeout(300)
class StreamConnectionTest {
  private static final int MINUTES = 10 * 60 * 1000;

  private final TestCard card = new TestCard();

  /** Our ends of the connections that a peer still has to offer; none: it refuses. */
  private final LinkedBlockingQueue<UnixSocket> offered = new LinkedBlockingQueue<>();

  private volatile CountDownLatch refusals = new CountDownLatch(0);

  private UnixSocket connect() throws IOException {
    UnixSocket socket = offered.poll();
    if (socket == null) {
      refusals.countDown();
      throw new IOException("nobody is there");
    }
    return socket;
  }

  /** The peer's end of a connection that is made when next tried. */
  private UnixSocket offer() throws IOException {
    UnixSocket[] pair = UnixSocket.pair();
    offered.add(pair[0]);
    return pair[1];
  }

  @Test
  void theLinkStaysDownWhileEveryAttemptFails() throws Exception {
    UnixSocket first = offer();
    try (StreamConnection connection = new StreamConnection("test", this::connect, 1, 1)) {
      connection.start(card);
      refusals = new CountDownLatch(5);
      first.close();
      assertFalse(card.takeLink());
      refusals.await();
      assertEquals(0, card.linkChanges());
      UnixSocket second = offer();
      assertTrue(card.takeLink());
      assertTrue(connection.transmit(TestFrames.frame(new byte[60])));
      second.close();
      assertFalse(card.takeLink());
    }
  }

  /** It would be minutes until the next attempt. */
  @Test
  void closingEndsThePauseBetweenAttempts() throws Exception {
    UnixSocket peer = offer();
    try (StreamConnection connection =
        new StreamConnection("test", this::connect, MINUTES, MINUTES)) {
      connection.start(card);
      peer.close();
      assertFalse(card.takeLink());
    }
    assertEquals(0, card.linkChanges());
  }
}
