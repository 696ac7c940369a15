// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.ThreadPrivileges;
import io.jkvm.core.linux.net.NetDevice;
import io.jkvm.core.linux.net.TapQueue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Taps that can't be had: one line with the cause and what to type. */
class TapErrorsTest {
  private static final String TAP = HostNetwork.TAP;

  private static void assertRefused(HostNetwork host, Callable<TapBackend> open, String... parts) {
    IOException e = assertThrows(IOException.class, () -> host.namespace.call(open));
    assertLine(e, parts);
  }

  private static void assertLine(Exception e, String... parts) {
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
  }

  private static TapBackend openUnprivileged(int queues) throws IOException {
    ThreadPrivileges.dropCapabilities();
    return TapBackend.open("card", TAP, queues);
  }

  @Test
  void mayNotBeMade() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      assertRefused(
          host,
          () -> openUnprivileged(1),
          "tap jkvmtest0 does not exist, and may not be made by this user (EPERM",
          "sudo ip tuntap add dev jkvmtest0 mode tap user $USER"
              + " && sudo ip link set jkvmtest0 up");
      assertRefused(
          host, () -> openUnprivileged(2), "mode tap user $USER multi_queue && sudo ip link");
    }
  }

  /** The command of the message above makes one that the user may open without any privilege. */
  @Test
  void mayBeUsedByItsOwner() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.namespace.exec("sh", "-c", "ip tuntap add dev jkvmtest0 mode tap user root multi_queue");
      host.namespace.call(() -> openUnprivileged(2)).close();
    }
  }

  @Test
  void isAnothersOne() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.namespace.exec("ip", "tuntap", "add", TAP, "mode", "tap", "user", "12345");
      assertRefused(
          host,
          () -> openUnprivileged(1),
          "tap jkvmtest0 belongs to another user (EPERM",
          "sudo ip tuntap del dev jkvmtest0 mode tap && sudo ip tuntap add dev jkvmtest0");
    }
  }

  @Test
  void isInUse() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend first = host.open(1)) {
      assertEquals(1, first.queuePairs());
      assertRefused(
          host,
          () -> TapBackend.open("card", TAP, 1),
          "tap jkvmtest0 is in use by another program (EBUSY",
          "sudo grep -ls 'iff:.*jkvmtest0$' /proc/[0-9]*/fdinfo/*");
      String found =
          host.namespace.exec(
              "sh", "-c", "grep -ls 'iff:.*jkvmtest0$' /proc/[0-9]*/fdinfo/* || true");
      assertTrue(found.contains("/proc/" + ProcessHandle.current().pid() + "/"), found);
    }
  }

  @Test
  void isNoTap() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.namespace.exec("ip", "tuntap", "add", "jkvmtun0", "mode", "tun");
      for (String name : new String[] {"lo", "jkvmtun0"}) {
        for (int queues = 1; queues <= 2; queues++) {
          int count = queues;
          assertRefused(
              host,
              () -> TapBackend.open("card", name, count),
              "tap " + name + " is an interface, but not a tap (EINVAL",
              "sudo ip tuntap add dev NAME");
        }
      }
    }
  }

  @Test
  void hasOneQueueOnly() throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      host.namespace.exec("ip", "tuntap", "add", TAP, "mode", "tap");
      assertRefused(
          host,
          () -> TapBackend.open("card", TAP, 4),
          "tap jkvmtest0 has one queue only, so queues=4 is too many; leave queues out",
          "sudo ip tuntap del dev jkvmtest0 mode tap",
          "multi_queue");
      try (TapBackend tap = host.open(1)) {
        assertEquals(1, tap.queuePairs());
        assertRefused(host, () -> TapBackend.open("card", TAP, 4), "has one queue only");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "sixteen-letters-",
        "a b",
        "a/b",
        "a:b",
        "tap%d",
        ".",
        "..",
        "tabb\t",
        "größe"
      })
  void namesThatNoInterfaceHas(String name) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> TapBackend.open("card", name, 1));
    assertLine(e, "can't be the name of an interface");
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 17, Integer.MAX_VALUE})
  void numbersOfQueues(int queues) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> TapBackend.open("card", TAP, queues));
    assertLine(e, "queues=" + queues + " is not 1 to 16");
  }

  @Test
  void theMostQueues() throws Exception {
    try (HostNetwork host = new HostNetwork();
        TapBackend tap = host.open(TapBackend.MAX_QUEUES)) {
      assertEquals(16, tap.queuePairs());
    }
  }

  @Test
  void theDriverIsMissingOrForbidden(@TempDir Path folder) throws Exception {
    try (HostNetwork host = new HostNetwork()) {
      assertRefused(
          host,
          () -> TapOpener.open("/no/tun", "card", TAP, 1),
          "tap jkvmtest0 can't be used, because /no/tun can't be opened (ENOENT",
          "sudo modprobe tun");
      Path forbidden = Files.createFile(folder.resolve("tun"));
      Files.setPosixFilePermissions(forbidden, Set.of());
      assertRefused(
          host,
          () -> {
            ThreadPrivileges.dropCapabilities();
            return TapOpener.open(forbidden.toString(), "card", TAP, 1);
          },
          "(EACCES",
          "sudo chmod a+rw " + forbidden);
      assertRefused(
          host, () -> TapOpener.open("/dev/null", "card", TAP, 1), "can't be opened", "ENOTTY");
    }
  }

  /** The kernel has 256 queues for an interface; what was opened before an error is closed. */
  @Test
  void moreQueuesThanAreLeft() throws Exception {
    List<TapQueue> taken = new ArrayList<>();
    try (HostNetwork host = new HostNetwork()) {
      for (int i = 0; i < 248; i++) {
        taken.add(host.namespace.call(() -> TapQueue.open(TapQueue.DRIVER, TAP, true)));
      }
      for (int i = 0; i < 3; i++) {
        assertRefused(
            host,
            () -> TapBackend.open("card", TAP, 16),
            "has no 16 queues left (E2BIG",
            "give fewer");
        host.open(8).close();
      }
      taken.forEach(TapQueue::close);
      assertFalse(host.namespace.call(() -> new NetDevice(TAP).exists()));
    }
  }
}
