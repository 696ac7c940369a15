// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A card's connection to a peer that may go and come back: while it is gone the card's link is
 * down, and its thread tries to connect again.
 */
public final class StreamConnection implements AutoCloseable {
  /** The peer as this connection needs it; called by one thread at a time. */
  public interface Peer {
    /** Connects, or says in one line why not. */
    UnixSocket connect() throws IOException;

    /** The connection is gone; returns why, given how it looked from here. */
    default String lost(String reason) {
      return "the peer " + reason;
    }
  }

  private static final int FIRST_PAUSE_MILLISECONDS = 1000;
  private static final long STEADY_NANOSECONDS = 10_000_000_000L;

  /** A peer that comes and goes is reported so often, then only once it stayed for an hour. */
  private static final int LOGGED_LOSSES = 5;

  private static final long FORGIVEN_NANOSECONDS = 3600_000_000_000L;

  private final String name;
  private final Peer peer;
  private final int firstPauseMilliseconds;
  private final int longestPauseMilliseconds;
  private NetworkCard card;
  private Thread thread;
  private volatile FrameStream stream;
  private boolean closing;
  private int failures;
  private int losses;

  /**
   * Not yet connected.
   *
   * @param longestPauseMilliseconds between attempts to connect again; the first pause is a second,
   *     each that follows twice as long
   */
  public StreamConnection(String name, Peer peer, int longestPauseMilliseconds) {
    this(name, peer, FIRST_PAUSE_MILLISECONDS, longestPauseMilliseconds);
  }

  StreamConnection(
      String name, Peer peer, int firstPauseMilliseconds, int longestPauseMilliseconds) {
    this.name = name;
    this.peer = peer;
    this.firstPauseMilliseconds = firstPauseMilliseconds;
    this.longestPauseMilliseconds = longestPauseMilliseconds;
  }

  /**
   * Connects and receives from now on.
   *
   * @throws IOException if the peer cannot be connected to; nothing is left behind then
   */
  public void start(NetworkCard newCard) throws IOException {
    card = newCard;
    stream = new FrameStream(peer.connect());
    thread = Threads.start(name + " receive", this::run);
  }

  public boolean transmit(Frame frame) {
    FrameStream current = stream;
    return current != null && current.transmit(frame);
  }

  private void run() {
    while (true) {
      long since = System.nanoTime();
      FrameStream current = stream;
      String reason = current.receiveAll(card);
      stream = null;
      current.close();
      if (isClosing()) {
        return;
      }
      card.setLink(false);
      String ending = peer.lost(reason);
      reason = current.isPeerBroken() ? "the peer " + reason : ending;
      long lasted = System.nanoTime() - since;
      failures = lasted >= STEADY_NANOSECONDS ? 0 : failures;
      losses = lasted >= FORGIVEN_NANOSECONDS ? 0 : losses;
      // Reported after the pause: what ends the whole process group takes the peer first.
      if (!pause()) {
        return;
      }
      if (losses < LOGGED_LOSSES) {
        losses++;
        logger().warn("{}: {}; the link is down until it is back", name, reason);
      }
      if (!connectAgain()) {
        return;
      }
      card.setLink(true);
      if (losses < LOGGED_LOSSES) {
        logger().warn("{}: connected again, the link is up", name);
      } else if (losses == LOGGED_LOSSES) {
        losses++;
        logger().warn("{}: connected again; it comes and goes, no more of this is logged", name);
      }
    }
  }

  /** Returns false when closed. */
  private boolean connectAgain() {
    do {
      failures++;
      try {
        return adopt(new FrameStream(peer.connect()));
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        // Without memory or threads now: tried again like everything else.
        logger().debug("{}: {}", name, e.getMessage());
      }
    } while (pause());
    return false;
  }

  private synchronized boolean adopt(FrameStream connected) {
    if (closing) {
      connected.close();
      return false;
    }
    stream = connected;
    return true;
  }

  public static long pauseMilliseconds(int failures, int longest) {
    return pauseMilliseconds(FIRST_PAUSE_MILLISECONDS, failures, longest);
  }

  private static long pauseMilliseconds(int first, int failures, int longest) {
    return Math.min((long) first << Math.min(failures, 20), longest);
  }

  private synchronized boolean pause() {
    long milliseconds =
        pauseMilliseconds(firstPauseMilliseconds, failures, longestPauseMilliseconds);
    long end = System.nanoTime() + milliseconds * 1_000_000;
    while (!closing && milliseconds > 0) {
      try {
        wait(milliseconds);
      } catch (InterruptedException e) {
        closing = true;
      }
      milliseconds = (end - System.nanoTime()) / 1_000_000;
    }
    return !closing;
  }

  private synchronized boolean isClosing() {
    return closing;
  }

  private Logger logger() {
    return LoggerFactory.getLogger(StreamConnection.class);
  }

  /** Takes and gives no more frames, without waiting for a call that is under way. */
  public synchronized void stop() {
    closing = true;
    notifyAll();
    FrameStream current = stream;
    if (current != null) {
      current.stop();
    }
  }

  @Override
  public void close() {
    stop();
    Threads.join(thread);
  }
}
