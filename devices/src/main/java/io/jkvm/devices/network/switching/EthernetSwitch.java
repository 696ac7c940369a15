// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.frame.Frame;
import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A learning Ethernet switch (IEEE 802.1Q, 8.8, without VLANs and spanning tree) for the network
 * cards of one process. A frame is given to the other cards by the thread that sends it: nothing is
 * queued, and no lock is held meanwhile. Offloads are left to the receiving card.
 *
 * <p>There must be one way only between any two switches.
 */
public final class EthernetSwitch {
  private static final SwitchPort[] NO_PORTS = {};

  private final String name;
  private final LongSupplier nanoClock;
  private final AddressTable addresses = new AddressTable();
  private volatile SwitchPort[] ports = NO_PORTS;

  /** A switch without ports. */
  public EthernetSwitch(String name) {
    this(name, System::nanoTime);
  }

  EthernetSwitch(String name, LongSupplier nanoClock) {
    this.name = name;
    this.nanoClock = nanoClock;
  }

  public String name() {
    return name;
  }

  /** A port for a card with one pair of queues; takes part from its start to its close. */
  public NetworkBackend newPort() {
    return newPort(1);
  }

  /**
   * A port for a card with several pairs of queues.
   *
   * @param queuePairs 1 or more
   */
  public NetworkBackend newPort(int queuePairs) {
    if (queuePairs < 1) {
      throw new IllegalArgumentException("queue pairs " + queuePairs + ": must be 1 or more");
    }
    return new SwitchPort(this, queuePairs);
  }

  /** How many ports take part. */
  public int portCount() {
    return ports.length;
  }

  /** How many addresses are in the table. */
  int addressCount() {
    return addresses.size();
  }

  synchronized void join(SwitchPort port) {
    if (!port.isOpen()) {
      return;
    }
    SwitchPort[] more = new SwitchPort[ports.length + 1];
    System.arraycopy(ports, 0, more, 0, ports.length);
    more[ports.length] = port;
    ports = more;
  }

  synchronized void leave(SwitchPort port) {
    SwitchPort[] old = ports;
    for (int i = 0; i < old.length; i++) {
      if (old[i] == port) {
        SwitchPort[] less = new SwitchPort[old.length - 1];
        System.arraycopy(old, 0, less, 0, i);
        System.arraycopy(old, i + 1, less, i, less.length - i);
        ports = less;
        break;
      }
    }
    addresses.forget(port);
  }

  /**
   * Gives a frame to the card it is for, or to all other cards.
   *
   * @return false if it is too short or the one card it is for did not take it
   */
  boolean forward(SwitchPort from, int queuePair, Frame frame) {
    if (frame.length() < Frame.MIN_BYTES) {
      return false;
    }
    ByteBuf bytes = frame.bytes();
    int start = bytes.readerIndex();
    // The first six bytes of eight; the switch's clock is read once for both uses.
    long destination = bytes.getLong(start) >>> 16;
    long source = bytes.getLong(start + 6) >>> 16;
    long second = TimeUnit.NANOSECONDS.toSeconds(nanoClock.getAsLong());
    addresses.learn(source, from, second);
    SwitchPort to = addresses.find(destination, second);
    if (to != null && to.isOpen()) {
      return to == from || to.deliver(queuePair, frame);
    }
    for (SwitchPort port : ports) {
      if (port != from) {
        port.deliver(queuePair, frame);
      }
    }
    return true;
  }
}
