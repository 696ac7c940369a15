// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import io.jkvm.core.linux.NativeMemory;
import java.nio.charset.StandardCharsets;

/** The kernel's struct ifreq: the name of a network interface, and one value of it. */
final class InterfaceRequest {
  /** IFNAMSIZ without the terminating NUL. */
  static final int MAX_NAME_BYTES = 15;

  private static final int VALUE = 16;
  private static final int BYTES = 40;

  private final NativeMemory memory = new NativeMemory(BYTES);

  InterfaceRequest(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length == 0 || bytes.length > MAX_NAME_BYTES) {
      throw new IllegalArgumentException(
          "'" + name + "' is not 1 to " + MAX_NAME_BYTES + " bytes long, as interface names are");
    }
    memory.buffer().put(0, bytes);
  }

  long address() {
    return memory.address();
  }

  /** ifr_flags. */
  int flags() {
    return memory.buffer().getShort(VALUE) & 0xffff;
  }

  void flags(int flags) {
    memory.buffer().putShort(VALUE, (short) flags);
  }

  /** ifr_mtu. */
  int mtu() {
    return memory.buffer().getInt(VALUE);
  }
}
