// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

/**
 * Work on a frame that its sender may leave to the receiver, as bits of a mask; the values are
 * those of the kernel's TUNSETOFFLOAD. A frame says in its {@link VnetHeader} what is left to do.
 */
public final class Offload {
  /** The TCP or UDP checksum; what all the others need too. */
  public static final int CSUM = 1;

  /** Segmentation of TCP over IPv4. */
  public static final int TSO4 = 2;

  /** Segmentation of TCP over IPv6. */
  public static final int TSO6 = 4;

  /** Segmentation of TCP with the ECN bits set, beside TSO4 and TSO6. */
  public static final int ECN = 8;

  /** Fragmentation of UDP. */
  public static final int UFO = 16;

  /** Nothing is left to the receiver: whole frames with checksums. */
  public static final int NONE = 0;

  /** What {@link SoftwareOffload} can do for a receiver that takes none of it. */
  public static final int SOFTWARE = CSUM | TSO4 | TSO6 | ECN;

  private Offload() {}
}
