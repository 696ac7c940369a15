// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.devices.network.frame.Offload;

/** Feature bits of a network device (virtio 1.2, section 5.1.3), as masks. */
final class NetFeatures {
  static final long CSUM = 1L << 0;
  static final long GUEST_CSUM = 1L << 1;
  static final long CTRL_GUEST_OFFLOADS = 1L << 2;
  static final long MTU = 1L << 3;
  static final long MAC = 1L << 5;
  static final long GUEST_TSO4 = 1L << 7;
  static final long GUEST_TSO6 = 1L << 8;
  static final long GUEST_ECN = 1L << 9;
  static final long GUEST_UFO = 1L << 10;
  static final long HOST_TSO4 = 1L << 11;
  static final long HOST_TSO6 = 1L << 12;
  static final long HOST_ECN = 1L << 13;
  static final long HOST_UFO = 1L << 14;
  static final long MRG_RXBUF = 1L << 15;
  static final long STATUS = 1L << 16;
  static final long CTRL_VQ = 1L << 17;
  static final long CTRL_RX = 1L << 18;
  static final long CTRL_RX_EXTRA = 1L << 20;
  static final long GUEST_ANNOUNCE = 1L << 21;
  static final long MQ = 1L << 22;
  static final long CTRL_MAC_ADDR = 1L << 23;

  private static final long GUEST_SEGMENTS = GUEST_TSO4 | GUEST_TSO6;
  private static final long HOST_SEGMENTS = HOST_TSO4 | HOST_TSO6;
  private static final long NEED_CTRL_VQ =
      CTRL_RX | CTRL_RX_EXTRA | GUEST_ANNOUNCE | MQ | CTRL_MAC_ADDR | CTRL_GUEST_OFFLOADS;

  private NetFeatures() {}

  /** Section 5.1.3.1: some features need others. */
  static boolean consistent(long features) {
    return needs(features, GUEST_SEGMENTS | GUEST_UFO, GUEST_CSUM)
        && needs(features, GUEST_ECN, GUEST_SEGMENTS)
        && needs(features, HOST_SEGMENTS | HOST_UFO, CSUM)
        && needs(features, HOST_ECN, HOST_SEGMENTS)
        && needs(features, NEED_CTRL_VQ, CTRL_VQ);
  }

  private static boolean needs(long features, long any, long oneOf) {
    return (features & any) == 0 || (features & oneOf) != 0;
  }

  /** What the driver may leave to the device, as an {@link Offload} mask. */
  static int hostOffloads(long features) {
    return offloads(features, CSUM, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO);
  }

  /** What the device may leave to the driver, as an {@link Offload} mask. */
  static int guestOffloads(long features) {
    return offloads(features, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO);
  }

  private static int offloads(long features, long csum, long tso4, long tso6, long ecn, long ufo) {
    return ((features & csum) != 0 ? Offload.CSUM : 0)
        | ((features & tso4) != 0 ? Offload.TSO4 : 0)
        | ((features & tso6) != 0 ? Offload.TSO6 : 0)
        | ((features & ecn) != 0 ? Offload.ECN : 0)
        | ((features & ufo) != 0 ? Offload.UFO : 0);
  }
}
