// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.devices.virtio.ConfigSpace;
import java.util.OptionalInt;

/**
 * struct virtio_net_config (virtio 1.2, section 5.1.4), as the driver reads it. It writes nothing:
 * only drivers before virtio 1.0 could, the MAC.
 */
final class NetConfigSpace implements ConfigSpace {
  private static final int STATUS_LINK_UP = 1;
  private static final int STATUS_ANNOUNCE = 2;
  private static final int STATUS_OFFSET = 6;
  private static final int PAIRS_OFFSET = 8;
  private static final int MTU_OFFSET = 10;
  private static final int BYTES = 12;

  private final long originalMac;
  private final int queuePairs;
  private final int mtu;
  private volatile long mac;
  private volatile boolean linkUp = true;
  private volatile boolean announce;

  NetConfigSpace(long mac, int queuePairs, OptionalInt mtu) {
    originalMac = mac;
    this.mac = mac;
    this.queuePairs = queuePairs;
    this.mtu = mtu.orElse(0);
  }

  /** The card's address, 48 bits, its first byte the highest. */
  long mac() {
    return mac;
  }

  void mac(long newMac) {
    mac = newMac;
  }

  /** The largest packet in bytes, 0 if the device says nothing of it. */
  int mtu() {
    return mtu;
  }

  boolean linkUp() {
    return linkUp;
  }

  /** True if that is a change. */
  synchronized boolean linkUp(boolean up) {
    boolean changed = up != linkUp;
    linkUp = up;
    return changed;
  }

  /** The driver is asked to make itself known to the network, or has done so. */
  void announce(boolean wanted) {
    announce = wanted;
  }

  void reset() {
    mac = originalMac;
    announce = false;
  }

  @Override
  public int length() {
    return BYTES;
  }

  @Override
  public int byteAt(int at) {
    if (at < STATUS_OFFSET) {
      return (int) (mac >>> (8 * (5 - at)));
    }
    int field =
        switch (at & ~1) {
          case STATUS_OFFSET -> (linkUp ? STATUS_LINK_UP : 0) | (announce ? STATUS_ANNOUNCE : 0);
          case PAIRS_OFFSET -> queuePairs;
          case MTU_OFFSET -> mtu;
          default -> 0;
        };
    return field >>> (8 * (at & 1));
  }
}
