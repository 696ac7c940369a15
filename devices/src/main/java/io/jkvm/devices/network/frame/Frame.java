// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.frame;

import io.jkvm.core.linux.NativeMemory;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/**
 * An Ethernet frame and what is left to do on it, in memory that system calls can use. Made once
 * and used for one frame after the other.
 *
 * <p>The frame, from destination address to payload and without check sequence, is what {@link
 * #bytes} has between reader and writer index. Before it are always {@link #HEADROOM_BYTES}, room
 * for what a transport puts in front. One thread at a time.
 */
public final class Frame {
  /** The largest frame: Ethernet header, VLAN tag and the largest IP packet. */
  public static final int MAX_BYTES = 14 + 4 + 65535;

  /** The smallest frame that has its whole Ethernet header. */
  public static final int MIN_BYTES = 14;

  /** A frame that is left where the guest has it is in so many places at the most. */
  public static final int MAX_RANGES = 256;

  /** At least so many bytes before the frame may be overwritten by whoever sends it on. */
  public static final int HEADROOM_BYTES = 16;

  private final NativeMemory memory;
  private final ByteBuf bytes;
  private final VnetHeader header = new VnetHeader();

  /** With room for any frame. */
  public Frame() {
    this(MAX_BYTES);
  }

  /**
   * With room for frames up to a size.
   *
   * @param maxBytes more than 0
   */
  public Frame(int maxBytes) {
    memory = new NativeMemory(HEADROOM_BYTES + maxBytes);
    bytes = Unpooled.wrappedBuffer(memory.buffer());
    reset();
  }

  /** Makes the frame empty and complete; returns this. */
  public Frame reset() {
    bytes.setIndex(HEADROOM_BYTES, HEADROOM_BYTES);
    header.clear();
    return this;
  }

  /** Becomes a copy of another frame, which must not be larger than this one's room. */
  public void set(Frame other) {
    reset();
    bytes.writeBytes(other.bytes, other.bytes.readerIndex(), other.length());
    header.set(other.header);
  }

  /** The frame between its reader and writer index; big-endian, as networks are. */
  public ByteBuf bytes() {
    return bytes;
  }

  /** What is left to do on the frame. */
  public VnetHeader header() {
    return header;
  }

  /** The frame's length in bytes. */
  public int length() {
    return bytes.readableBytes();
  }

  /** The length of the packet in it: without Ethernet header and up to two VLAN tags. */
  public int packetBytes() {
    return length() - TransportLocation.etherType(memory(), bytes.readerIndex(), length()) - 2;
  }

  /**
   * The memory of {@link #bytes} with the same indices; little-endian, for absolute access only.
   */
  public ByteBuffer memory() {
    return memory.buffer();
  }

  /** The host address of index 0 of {@link #bytes}, for system calls. */
  public long address() {
    return memory.address();
  }
}
