// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.linux.NativeMemory;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.SoftwareOffload;

/**
 * What a connection needs outside the Java heap, some 400 KiB that only a garbage collection frees:
 * to be used for one connection after the other where somebody else decides how many there are.
 */
final class PeerMemory {
  private static final int CHUNK_BYTES = 256 << 10;

  private final Frame chunk = new Frame(CHUNK_BYTES);
  private final NativeMemory pending = new NativeMemory(FrameStream.LARGEST);
  private final SoftwareOffload offload = new SoftwareOffload();

  /** What is received, several frames at a time. */
  Frame chunk() {
    return chunk;
  }

  /** The rest of a frame whose beginning was sent. */
  NativeMemory pending() {
    return pending;
  }

  /** For frames that the peer does not take as they are. */
  SoftwareOffload offload() {
    return offload;
  }
}
