// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.emulation;

import io.jkvm.devices.network.ForwardingBackend;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;
import java.util.SplittableRandom;

/**
 * Makes the way to another backend slow, long or lossy. Which frames get lost, by their order in a
 * direction, depends on the seed alone; a frame that is still to be cut counts as one.
 *
 * <p>In each direction at most 1000 frames or 1 MiB wait, four times as much if there is a delay;
 * what comes then is dropped and counted, also what the guest has no room for when it is due.
 */
public final class LinkEmulator extends ForwardingBackend {
  private final EmulatedDirection fromGuest;
  private final EmulatedDirection toGuest;
  private volatile NetworkCard card;

  /**
   * Takes over another backend, which is not started yet, and closes it with itself.
   *
   * @param card the guest's card, which the names of threads begin with
   */
  public LinkEmulator(String card, NetworkBackend inner, LinkQuality settings) {
    this(card, inner, settings, LinkClock.SYSTEM);
  }

  LinkEmulator(String card, NetworkBackend inner, LinkQuality settings, LinkClock clock) {
    super(inner);
    SplittableRandom random = new SplittableRandom(settings.seed());
    fromGuest =
        new EmulatedDirection(card + " out", settings, clock, random.split(), super::transmit);
    toGuest = new EmulatedDirection(card + " in", settings, clock, random.split(), this::deliver);
  }

  @Override
  public void start(NetworkCard startedCard) throws IOException {
    card = startedCard;
    super.start(new DistantCard());
    fromGuest.start();
    toGuest.start();
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return fromGuest.send(queuePair, frame);
  }

  /** Frames that got lost as the seed decided, both directions. */
  public long lostFrames() {
    return fromGuest.lost() + toGuest.lost();
  }

  /** Frames that were dropped for want of room, both directions. */
  public long droppedFrames() {
    return fromGuest.dropped() + toGuest.dropped();
  }

  /** Ends both threads before the backend is closed, so that they use neither it nor the card. */
  @Override
  public void close() {
    fromGuest.stop();
    toGuest.stop();
    super.close();
  }

  private boolean deliver(int queuePair, Frame frame) {
    return card.receive(queuePair, frame);
  }

  /** The card as the backend sees it: at the other end of the link. */
  private final class DistantCard implements NetworkCard {
    /** Always true: a frame to be tried again would be a new one to the seed. */
    @Override
    public boolean receive(int queuePair, Frame frame) {
      toGuest.send(queuePair, frame);
      return true;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {
      card.setLink(up);
    }
  }
}
