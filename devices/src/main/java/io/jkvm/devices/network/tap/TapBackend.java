// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.TapQueue;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.VnetHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.LoggerFactory;

/**
 * A guest's network by a tap interface: one descriptor and one reading thread for each queue pair.
 * While the guest's queue is full one frame is held and the rest is left in the kernel's queue,
 * which is bounded and drops.
 *
 * <p>If the interface is deleted the guest's link goes down and stays so; while it is only set down
 * frames are dropped.
 */
public final class TapBackend implements NetworkBackend {
  /** The most queue pairs that {@link #open} takes. */
  public static final int MAX_QUEUES = MAX_QUEUE_PAIRS;

  private static final int JOIN_MILLISECONDS = 10_000;

  private final String card;
  private final String name;
  private final OptionalInt mtu;

  /** More than any driver makes by itself: a guest that makes more keeps others from the lock. */
  private static final int FREE_CHANGES = 32;

  private static final int CHANGE_MILLISECONDS = 20;

  private final int transmitOffloads;
  private final AtomicInteger offloadChanges = new AtomicInteger();
  private final List<TapQueuePair> pairs = new ArrayList<>();
  private final LogLimit refusals = new LogLimit(TapBackend.class, 1);
  private final AtomicBoolean dead = new AtomicBoolean();
  private boolean closed;

  /** Takes charge of the queues, but not if it throws. */
  TapBackend(String card, String name, List<TapQueue> queues, int mtu, int transmitOffloads) {
    this.card = card;
    this.name = name;
    this.mtu = OptionalInt.of(mtu);
    this.transmitOffloads = transmitOffloads;
    for (TapQueue queue : queues) {
      pairs.add(new TapQueuePair(pairs.size(), queue, this));
    }
  }

  /**
   * Opens a tap interface of the calling thread's network namespace. One that does not exist is
   * made, if that is permitted, brought up, and goes away with {@link #close}; one that exists is
   * left as it is.
   *
   * @param card the guest's card, which the names of threads begin with
   * @param name of the interface, see {@link #checkName}
   * @param queues how many queue pairs, 1 to {@link #MAX_QUEUES}; more than 1 take an interface
   *     that was made with {@code multi_queue}
   * @throws IOException one line saying what is wrong and what to do
   * @throws IllegalArgumentException for another name or number
   */
  public static TapBackend open(String card, String name, int queues) throws IOException {
    return TapOpener.open(TapQueue.DRIVER, card, name, queues);
  }

  /**
   * Checks the form of an interface's name: 1 to 15 printable characters of ASCII, without '/', ':'
   * and '%', and neither "." nor "..". Returns it.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static String checkName(String name) {
    if (!name.matches("[!-~&&[^/:%]]{1,15}") || name.equals(".") || name.equals("..")) {
      throw new IllegalArgumentException(
          "'"
              + name
              + "' can't be the name of an interface, which has 1 to 15 characters and no '/', ':',"
              + " '%' or space; choose another, for example tap0");
    }
    return name;
  }

  @Override
  public String name() {
    return name;
  }

  /** The guest's card, for the names of threads. */
  String card() {
    return card;
  }

  @Override
  public void start(NetworkCard card) {
    pairs.forEach(pair -> pair.start(card));
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return pairs.get(queuePair).transmit(frame);
  }

  @Override
  public boolean transmitsInPlace() {
    return true;
  }

  @Override
  public boolean transmitInPlace(int queuePair, VnetHeader header, IoVector frame) {
    return pairs.get(queuePair).transmitInPlace(header, frame);
  }

  @Override
  public int transmitOffloads() {
    return transmitOffloads;
  }

  @Override
  public void receiveOffloads(int offloads) {
    try {
      boolean changed = pairs.get(0).setOffloads(kernelMask(offloads & transmitOffloads));
      if (changed && offloadChanges.incrementAndGet() > FREE_CHANGES) {
        Thread.sleep(CHANGE_MILLISECONDS);
      }
    } catch (LinuxException e) {
      if (!dead.get() && e.errno() != Errno.EBADFD) {
        refusals.warn("tap " + name, e.getMessage());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Without what the kernel refuses: anything without CSUM, and ECN without segmentation. */
  private static int kernelMask(int offloads) {
    if ((offloads & Offload.CSUM) == 0) {
      return Offload.NONE;
    }
    return (offloads & (Offload.TSO4 | Offload.TSO6)) == 0 ? offloads & ~Offload.ECN : offloads;
  }

  @Override
  public int queuePairs() {
    return pairs.size();
  }

  @Override
  public OptionalInt mtu() {
    return mtu;
  }

  /** A queue can't be read any more; all of them can't as a rule, and one says so. */
  void fail(NetworkCard card, int errno) {
    if (dead.compareAndSet(false, true)) {
      String why =
          errno == Errno.EBADFD || errno == Errno.EFAULT
              ? "the interface was deleted"
              : "reading fails (" + Errno.name(errno) + ": " + Errno.message(errno) + ")";
      LoggerFactory.getLogger(TapBackend.class)
          .warn("tap {}: {}; the guest's link is down for good", name, why);
      card.setLink(false);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws CloseStack.StillInUse if the card does not return from a call; the queues stay open
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    pairs.forEach(TapQueuePair::requestStop);
    for (TapQueuePair pair : pairs) {
      if (!pair.join(JOIN_MILLISECONDS)) {
        throw new CloseStack.StillInUse("tap " + name + " waits for the guest's network card");
      }
    }
    pairs.forEach(TapQueuePair::close);
  }
}
