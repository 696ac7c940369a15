// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A small zeroed block outside the Java heap for structures shared with the kernel. It lives as
 * long as this object is reachable, so holders keep a reference while a system call may use it: a
 * local variable that is not read any more is none, hence {@link
 * java.lang.ref.Reference#reachabilityFence} behind calls.
 */
public final class NativeMemory {
  private final ByteBuffer buffer;
  private final long address;

  /**
   * Allocates a block.
   *
   * @param size bytes, more than 0; the block is aligned to 16 bytes at least
   */
  public NativeMemory(int size) {
    this(ByteBuffer.allocateDirect(size));
  }

  private NativeMemory(ByteBuffer memory) {
    buffer = memory.order(ByteOrder.LITTLE_ENDIAN);
    address = Pointer.nativeValue(Native.getDirectBufferPointer(buffer));
  }

  /**
   * Allocates a block that begins at a multiple of a size.
   *
   * @param size bytes, more than 0
   * @param alignment bytes, a power of two
   */
  public static NativeMemory aligned(int size, int alignment) {
    ByteBuffer wide = ByteBuffer.allocateDirect(Math.addExact(size, alignment));
    int skipped = alignment - wide.alignmentOffset(0, alignment);
    return new NativeMemory(wide.slice(skipped, size)); // the slice keeps all of it
  }

  /** The whole block, little-endian; always the same object. */
  public ByteBuffer buffer() {
    return buffer;
  }

  public long address() {
    return address;
  }
}
