// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.testing.NetworkNamespace;
import org.junit.jupiter.api.Test;

class NetDeviceTest {
  @Test
  void loopbackIsThere() throws Exception {
    NetDevice loopback = new NetDevice("lo");
    assertTrue(loopback.exists());
    assertTrue(loopback.mtu() >= 1500);
    assertFalse(new NetDevice("no-such-thing").exists());
    LinuxException e =
        assertThrows(LinuxException.class, () -> new NetDevice("no-such-thing").mtu());
    assertEquals("SIOCGIFMTU no-such-thing: ENODEV (19): No such device", e.getMessage());
  }

  @Test
  void bringsUp() throws Exception {
    try (NetworkNamespace inside = NetworkNamespace.create()) {
      inside.exec("ip", "link", "add", "fifteen-letters", "mtu", "65521", "type", "veth");
      NetDevice device = new NetDevice("fifteen-letters");
      assertFalse(inside.call(device::isUp));
      inside.call(
          () -> {
            device.bringUp();
            return null;
          });
      assertTrue(inside.call(device::isUp));
      assertEquals(65521, inside.call(device::mtu));
    }
  }

  @Test
  void namesThatFitNoRequest() {
    assertThrows(IllegalArgumentException.class, () -> new NetDevice("").exists());
    assertThrows(IllegalArgumentException.class, () -> new NetDevice("sixteen-letters-").exists());
  }
}
