// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.io.IOException;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A network card (virtio 1.2, section 5.1): moves frames between the guest's queues and a {@link
 * NetworkBackend}, and makes up for what either side can't do: checksums, segmentation, filtering.
 *
 * <p>Queue pair n is receive queue 2n and transmit queue 2n+1; the control queue is the one after
 * the last pair, or number 2 for a driver without several pairs.
 */
public final class VirtioNet implements VirtioDevice, NetworkCard {

  /** In descriptors; no chain is longer. */
  private static final int QUEUE_SIZE = Frame.MAX_RANGES;

  private static final int CONTROL_QUEUE_SIZE = 64;
  private static final long GUEST_OFFLOADS =
      NetFeatures.GUEST_CSUM
          | NetFeatures.GUEST_TSO4
          | NetFeatures.GUEST_TSO6
          | NetFeatures.GUEST_ECN
          | NetFeatures.GUEST_UFO;

  private final NetworkBackend backend;
  private final NetConfigSpace config;
  private final ReceiveQueue[] receive;
  private final TransmitQueue[] transmit;
  private final long offered;
  private volatile Runnable configChanged = () -> {};

  private volatile long features;
  private volatile int usablePairs = 1;
  private volatile int activePairs;
  private volatile ReceiveFilter filter = ReceiveFilter.ALL;
  private volatile boolean active;

  /**
   * A card on a network that is not started yet.
   *
   * @param mac the card's address, 48 bits, the first byte the highest; not a group's
   * @param mtu the largest IP packet, told to the guest; 68 to 65535
   */
  public VirtioNet(long mac, OptionalInt mtu, NetworkBackend backend) {
    int pairs = backend.queuePairs();
    if (mac <= 0 || mac > ReceiveFilter.BROADCAST || (mac & ReceiveFilter.GROUP) != 0) {
      throw new IllegalArgumentException("not a card's address: " + Long.toHexString(mac));
    }
    if (pairs < 1 || pairs > NetworkBackend.MAX_QUEUE_PAIRS) {
      throw new IllegalArgumentException(pairs + " queue pairs");
    }
    this.backend = backend;
    config = new NetConfigSpace(mac, pairs, mtu);
    receive = new ReceiveQueue[pairs];
    transmit = new TransmitQueue[pairs];
    for (int i = 0; i < pairs; i++) {
      receive[i] = new ReceiveQueue();
      transmit[i] = new TransmitQueue(backend, i);
    }
    setActivePairs(1);
    long ufo = NetFeatures.HOST_UFO | NetFeatures.GUEST_UFO;
    offered =
        NetFeatures.CSUM
            | NetFeatures.GUEST_CSUM
            | NetFeatures.CTRL_GUEST_OFFLOADS
            | NetFeatures.MAC
            | NetFeatures.GUEST_TSO4
            | NetFeatures.GUEST_TSO6
            | NetFeatures.GUEST_ECN
            | NetFeatures.HOST_TSO4
            | NetFeatures.HOST_TSO6
            | NetFeatures.HOST_ECN
            | NetFeatures.MRG_RXBUF
            | NetFeatures.STATUS
            | NetFeatures.CTRL_VQ
            | NetFeatures.CTRL_RX
            | NetFeatures.CTRL_RX_EXTRA
            | NetFeatures.GUEST_ANNOUNCE
            | NetFeatures.CTRL_MAC_ADDR
            | (pairs > 1 ? NetFeatures.MQ : 0)
            | (mtu.isPresent() ? NetFeatures.MTU : 0)
            | ((backend.transmitOffloads() & Offload.UFO) != 0 ? ufo : 0);
  }

  /** Connects the card: from now on frames flow. */
  public void start() throws IOException {
    backend.start(this);
  }

  @Override
  public VirtioType type() {
    return VirtioType.NETWORK;
  }

  @Override
  public String name() {
    return "virtio-net " + backend.name();
  }

  @Override
  public long features() {
    return offered;
  }

  @Override
  public boolean accepts(long negotiated) {
    return NetFeatures.consistent(negotiated);
  }

  @Override
  public int[] queueSizes() {
    int[] sizes = new int[2 * receive.length + 1];
    Arrays.fill(sizes, QUEUE_SIZE);
    sizes[2 * receive.length] = CONTROL_QUEUE_SIZE;
    return sizes;
  }

  @Override
  public ConfigSpace config() {
    return config;
  }

  @Override
  public void attach(Runnable changed) {
    configChanged = changed;
  }

  @Override
  public void activate(long negotiated) {
    features = negotiated;
    usablePairs = has(NetFeatures.MQ) ? receive.length : 1;
    setGuestOffloads(negotiated);
    setActivePairs(1);
    active = true;
  }

  @Override
  public void reset() {
    // One after the other with setLink, or the next driver would find this one's announcement.
    synchronized (config) {
      active = false;
      features = 0;
      config.reset();
    }
    usablePairs = 1;
    setActivePairs(1);
    filter = ReceiveFilter.ALL;
    setGuestOffloads(0);
  }

  private void setGuestOffloads(long negotiated) {
    int offloads = NetFeatures.guestOffloads(negotiated);
    for (ReceiveQueue queue : receive) {
      queue.guestOffloads(offloads);
    }
    backend.receiveOffloads(offloads);
  }

  private void setActivePairs(int count) {
    activePairs = count;
    for (int i = 0; i < receive.length; i++) {
      receive[i].enable(i < count);
    }
  }

  private boolean has(long feature) {
    return (features & feature) != 0;
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    int control = 2 * usablePairs;
    if (queue == control && has(NetFeatures.CTRL_VQ)) {
      return new SequentialService(rings, new ControlQueue(new Commands()));
    }
    if (queue >= control) {
      return new SequentialService(
          rings,
          request -> {
            throw new GuestFault("request in queue " + queue + ", which was not negotiated");
          });
    }
    if (queue % 2 == 0) {
      int largest = has(NetFeatures.MTU) ? config.mtu() : Frame.MAX_BYTES;
      return receive[queue / 2].serve(rings, has(NetFeatures.MRG_RXBUF), largest);
    }
    TransmitQueue sender = transmit[queue / 2];
    int offloads = NetFeatures.hostOffloads(negotiated);
    return new SequentialService(
        rings, request -> sender.process(request, offloads, config.linkUp()));
  }

  @Override
  public boolean receive(int queuePair, Frame frame) {
    ReceiveQueue queue = receive[queuePair % activePairs];
    if (frame.length() < Frame.MIN_BYTES || !config.linkUp()) {
      queue.countDropped();
      return true;
    }
    return !filter.accepts(frame.bytes(), config.mac()) || queue.receive(frame);
  }

  @Override
  public void awaitRoom(int queuePair, int timeoutMilliseconds) {
    receive[queuePair % activePairs].awaitRoom(timeoutMilliseconds);
  }

  @Override
  public void setLink(boolean up) {
    if (config.linkUp(up)) {
      // The network may have forgotten where the guest is.
      synchronized (config) {
        config.announce(up && active && has(NetFeatures.GUEST_ANNOUNCE));
      }
      configChanged.run();
    }
  }

  /** What went through the card, and what did not, since it exists. */
  public NetStatistics statistics() {
    long received = 0;
    long receiveDropped = 0;
    long sent = 0;
    long sendDropped = 0;
    for (int i = 0; i < receive.length; i++) {
      received += receive[i].taken();
      receiveDropped += receive[i].dropped();
      sent += transmit[i].sent();
      sendDropped += transmit[i].dropped();
    }
    return new NetStatistics(received, receiveDropped, sent, sendDropped);
  }

  /** Run by the control queue's thread. */
  private final class Commands implements ControlQueue.Commands {
    @Override
    public boolean receiveMode(int mode, boolean on) {
      boolean extra = mode > ReceiveFilter.ALLMULTI;
      if (!has(extra ? NetFeatures.CTRL_RX_EXTRA : NetFeatures.CTRL_RX)) {
        return false;
      }
      filter = filter.withMode(mode, on);
      return true;
    }

    @Override
    public boolean macTables(long[] unicast, long[] multicast) {
      if (!has(NetFeatures.CTRL_RX)) {
        return false;
      }
      filter = filter.withTables(unicast, multicast);
      return true;
    }

    @Override
    public boolean mac(long address) {
      if (!has(NetFeatures.CTRL_MAC_ADDR) || address == 0 || (address & ReceiveFilter.GROUP) != 0) {
        return false;
      }
      config.mac(address);
      return true;
    }

    @Override
    public boolean announced() {
      config.announce(false);
      return has(NetFeatures.GUEST_ANNOUNCE);
    }

    @Override
    public boolean queuePairs(int count) {
      if (!has(NetFeatures.MQ) || count < 1 || count > usablePairs) {
        return false;
      }
      setActivePairs(count);
      return true;
    }

    @Override
    public boolean guestOffloads(long wanted) {
      if (!has(NetFeatures.CTRL_GUEST_OFFLOADS) || (wanted & ~(features & GUEST_OFFLOADS)) != 0) {
        return false;
      }
      setGuestOffloads(wanted);
      return true;
    }
  }
}
