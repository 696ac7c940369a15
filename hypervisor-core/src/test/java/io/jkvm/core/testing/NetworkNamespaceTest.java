// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.net.NetDevice;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** That what tests do in a namespace stays in it. */
class NetworkNamespaceTest {
  private static String own() throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
  }

  @Test
  void threadsAndProcessesAreInIt() throws Exception {
    try (NetworkNamespace inside = NetworkNamespace.create();
        NetworkNamespace other = NetworkNamespace.create()) {
      String name = inside.call(NetworkNamespaceTest::own);
      assertFalse(name.equals(own()) || name.equals(other.call(NetworkNamespaceTest::own)), name);
      assertEquals(name, inside.exec("readlink", "/proc/self/ns/net").strip());
      inside.exec("ip", "link", "add", "jkvmveth0", "type", "veth", "peer", "name", "jkvmveth1");
      assertTrue(inside.call(() -> new NetDevice("jkvmveth0").exists()));
      assertFalse(new NetDevice("jkvmveth0").exists());
    }
  }

  @Test
  void socketsAreInIt() throws Exception {
    try (NetworkNamespace inside = NetworkNamespace.create();
        ServerSocket server = inside.call(() -> new ServerSocket(7))) {
      int port = server.getLocalPort();
      inside.call(() -> new Socket("127.0.0.1", port)).close();
      assertThrows(IOException.class, () -> new Socket("127.0.0.1", port));
    }
  }

  @Test
  void aCommandThatFailsIsAnError() throws Exception {
    try (NetworkNamespace inside = NetworkNamespace.create()) {
      IOException e =
          assertThrows(IOException.class, () -> inside.exec("ip", "link", "set", "none", "up"));
      assertTrue(e.getMessage().contains("none"), e.getMessage());
    }
  }
}
