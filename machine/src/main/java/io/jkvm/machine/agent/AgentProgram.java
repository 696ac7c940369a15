// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import java.io.IOException;
import java.io.InputStream;

/** The agent's program for the guest, a static executable of some 30 KiB without any library. */
public final class AgentProgram {
  /** Made by guest-images/build.sh, packed by the build of this module. */
  private static final String RESOURCE = "agent";

  private AgentProgram() {}

  /** Its bytes. */
  public static byte[] bytes() throws IOException {
    try (InputStream in = AgentProgram.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("this build of jkvm has no agent in it; build it again with 'make'");
      }
      return in.readAllBytes();
    }
  }
}
