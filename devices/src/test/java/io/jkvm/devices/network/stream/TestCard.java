// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.netty.buffer.ByteBufUtil;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A card that keeps what it is given, until it is full. */
public final class TestCard implements NetworkCard {
  private static final int SECONDS = 120;

  private final LinkedBlockingQueue<byte[]> frames;
  private final BlockingQueue<Boolean> links = new LinkedBlockingQueue<>();

  public TestCard() {
    this(Integer.MAX_VALUE);
  }

  public TestCard(int capacity) {
    frames = new LinkedBlockingQueue<>(capacity);
  }

  @Override
  public boolean receive(int queuePair, Frame frame) {
    if (frame.header().offloads() != 0) {
      throw new IllegalStateException("a frame that is not complete");
    }
    if (frame.bytes().readerIndex() < Frame.HEADROOM_BYTES) {
      throw new IllegalStateException("a frame without headroom");
    }
    return frames.offer(ByteBufUtil.getBytes(frame.bytes()));
  }

  @Override
  public void awaitRoom(int queuePair, int timeoutMilliseconds) {
    try {
      TimeUnit.MILLISECONDS.sleep(Math.min(timeoutMilliseconds, 1));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void setLink(boolean up) {
    links.add(up);
  }

  /** The next frame, for which it waits. */
  byte[] take() throws InterruptedException {
    byte[] frame = frames.poll(SECONDS, TimeUnit.SECONDS);
    if (frame == null) {
      throw new AssertionError("no frame came");
    }
    return frame;
  }

  /** The next frame if there is one within a time, else null. */
  byte[] poll(int milliseconds) throws InterruptedException {
    return frames.poll(milliseconds, TimeUnit.MILLISECONDS);
  }

  int waiting() {
    return frames.size();
  }

  /** The next change of the link, for which it waits. */
  public boolean takeLink() throws InterruptedException {
    Boolean up = links.poll(SECONDS, TimeUnit.SECONDS);
    if (up == null) {
      throw new AssertionError("the link did not change");
    }
    return up;
  }

  public int linkChanges() {
    return links.size();
  }
}
