// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.netty.buffer.ByteBuf;

/**
 * Which frames the driver wants by their destination address (virtio 1.2, section 5.1.6.5.1 and
 * 5.1.6.5.2). Immutable: the control queue makes a new one, receivers see the old or the new.
 *
 * @param modes bits by the number of the command that sets them: {@code 1 << PROMISC} and so on
 * @param unicast addresses wanted beside the card's own, 48 bits each; null for all
 * @param multicast addresses of groups; null for all
 */
record ReceiveFilter(int modes, long[] unicast, long[] multicast) {
  static final int PROMISC = 0;
  static final int ALLMULTI = 1;
  static final int ALLUNI = 2;
  static final int NOMULTI = 3;
  static final int NOUNI = 4;
  static final int NOBCAST = 5;

  static final long BROADCAST = 0xffff_ffff_ffffL;

  /** The group bit of an address: the lowest of its first byte. */
  static final long GROUP = 1L << 40;

  /** After a reset: everything, until the driver says otherwise. */
  static final ReceiveFilter ALL = new ReceiveFilter(1 << PROMISC, new long[0], new long[0]);

  /** The same with one mode changed. */
  ReceiveFilter withMode(int mode, boolean on) {
    int bit = 1 << mode;
    return new ReceiveFilter(on ? modes | bit : modes & ~bit, unicast, multicast);
  }

  ReceiveFilter withTables(long[] newUnicast, long[] newMulticast) {
    return new ReceiveFilter(modes, newUnicast, newMulticast);
  }

  /** Whether a frame, at the buffer's reader index, is for a card with this address. */
  boolean accepts(ByteBuf frame, long mac) {
    if (has(PROMISC)) {
      return true;
    }
    int at = frame.readerIndex();
    long destination = (long) frame.getUnsignedShort(at) << 32 | frame.getUnsignedInt(at + 2);
    if (destination == BROADCAST) {
      return !has(NOBCAST);
    }
    if ((destination & GROUP) != 0) {
      return !has(NOMULTI) && (has(ALLMULTI) || contains(multicast, destination));
    }
    return !has(NOUNI) && (destination == mac || has(ALLUNI) || contains(unicast, destination));
  }

  private boolean has(int mode) {
    return (modes & 1 << mode) != 0;
  }

  private static boolean contains(long[] addresses, long address) {
    if (addresses == null) {
      return true;
    }
    for (long candidate : addresses) {
      if (candidate == address) {
        return true;
      }
    }
    return false;
  }
}
