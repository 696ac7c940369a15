// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ConsoleFixture.DEVICE_READY;
import static io.jkvm.devices.virtio.console.ConsoleFixture.PORT_OPEN;
import static io.jkvm.devices.virtio.console.ConsoleFixture.PORT_READY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Control messages and the configuration, as Linux's driver uses them. */
@Timeout(300)
class HandshakeTest {
  /** Adds a port and returns what the device says about it, up to the last that is expected. */
  private static void assertSaid(ConsoleFixture guest, String... expected) throws Exception {
    for (String message : expected) {
      assertEquals(message, guest.message());
    }
  }

  private static ConsoleFixture ready(ConsoleFixture guest) throws Exception {
    guest.startWithout(0);
    guest.giveControlBuffers(8);
    guest.control(0xffff_ffff, DEVICE_READY, 1);
    for (int i = 0; i < guest.hosts.length; i++) {
      assertSaid(guest, "add " + i);
    }
    return guest;
  }

  @ParameterizedTest
  @EnumSource
  void portsAreAddedNamedAndOpened(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 3)) {
      guest.port(1).open();
      guest.port(0).resize(132, 50);
      ready(guest);
      assertFalse(guest.hasMessage(), "more than asked for");
      guest.control(0, PORT_READY, 1);
      assertSaid(guest, "console 0 1", "size 0 132x50");
      guest.control(1, PORT_READY, 1);
      assertSaid(guest, "name 1 stream1", "open 1 1");
      guest.control(2, PORT_READY, 1);
      assertSaid(guest, "name 2 stream2");

      assertFalse(guest.port(0).guestOpen());
      guest.control(0, PORT_OPEN, 1);
      assertTrue(guest.port(0).guestOpen());
      guest.control(0, PORT_OPEN, 1);
      guest.control(2, PORT_OPEN, 1);
      guest.control(2, PORT_OPEN, 0);
      assertEquals(List.of(true), guest.hosts[0].ends);
      assertEquals(List.of(), guest.hosts[1].ends);
      assertEquals(List.of(true, false), guest.hosts[2].ends);

      guest.port(0).open();
      assertSaid(guest, "open 0 1");
      guest.port(1).close();
      assertSaid(guest, "open 1 0");
      guest.port(1).close();
      guest.port(0).resize(80, 24);
      assertSaid(guest, "size 0 80x24");
      guest.port(0).resize(80, 24);
      guest.port(2).open();
      assertSaid(guest, "open 2 1");
    }
  }

  /** Messages wait for buffers, and say what is so when they are sent. */
  @ParameterizedTest
  @EnumSource
  void withoutBuffersOnlyTheLastStateIsKept(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      guest.port(0).open();
      guest.startWithout(0);
      guest.control(0xffff_ffff, DEVICE_READY, 1);
      guest.control(0, PORT_READY, 1);
      for (int i = 1; i <= 1000; i++) {
        guest.port(0).resize(i, 2 * i);
      }
      guest.giveControlBuffers(1);
      assertSaid(guest, "add 0", "console 0 1", "size 0 1000x2000", "open 0 1", "add 1");
    }
  }

  /** A program in the guest must see that it is not the one that it talked to before. */
  @ParameterizedTest
  @EnumSource
  void anEndThatWasClosedMeanwhileIsToldAsClosed(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 1)) {
      guest.port(0).open();
      guest.startWithout(0);
      guest.control(0, DEVICE_READY, 1);
      guest.control(0, PORT_READY, 1);
      guest.giveControlBuffers(1);
      assertSaid(guest, "add 0", "console 0 1", "open 0 1");
      guest.guest.device().pause();
      for (int i = 0; i < 10; i++) {
        guest.port(0).close();
        guest.port(0).open();
      }
      guest.guest.device().resume();
      assertSaid(guest, "open 0 0", "open 0 1");
      guest.port(0).close();
      assertSaid(guest, "open 0 0");
    }
  }

  @ParameterizedTest
  @EnumSource
  void theNextDriverBeginsAnew(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      guest.port(0).open();
      guest.port(0).resize(100, 30);
      for (int i = 0; i < 10; i++) {
        guest.hosts[0].ends.clear();
        ready(guest);
        guest.control(0, PORT_READY, 1);
        assertSaid(guest, "console 0 1", "size 0 100x30", "open 0 1");
        guest.control(0, PORT_OPEN, 1);
        guest.guest.status(0);
        ConsoleFixture.await(() -> guest.guest.status() == 0, "no reset");
        assertFalse(guest.port(0).guestOpen());
        assertEquals(List.of(true, false), guest.hosts[0].ends);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPortThatTheGuestCouldNotAddIsLeftAlone(Transport transport) throws Exception {
    try (ConsoleFixture guest = new ConsoleFixture(transport, 2)) {
      ready(guest);
      guest.control(0, PORT_READY, 0);
      guest.port(0).open();
      guest.port(0).resize(1, 1);
      guest.control(1, PORT_READY, 1);
      assertSaid(guest, "name 1 stream1");
      guest.control(0, DEVICE_READY, 0);
      guest.port(1).open();
      guest.control(0, DEVICE_READY, 1);
      assertSaid(guest, "add 0", "add 1");
    }
  }

  @Test
  void theConfigurationSaysTheSizeAndHowManyPorts() {
    RecordingHost host = new RecordingHost();
    VirtioConsole device =
        new VirtioConsole("x", List.of(PortSpec.console(host), PortSpec.stream("a", host)));
    AtomicInteger changes = new AtomicInteger();
    device.attach(changes::incrementAndGet);
    assertEquals(3, device.type().deviceId());
    assertEquals(VirtioConsole.F_SIZE | VirtioConsole.F_MULTIPORT, device.features());
    assertEquals(6, device.queueSizes().length);
    assertEquals(0x2_0000_0000L, device.config().read(0, 8));
    device.ports().get(0).resize(0xfffe, 0x102);
    assertEquals(1, changes.get());
    device.ports().get(0).resize(0xfffe, 0x102);
    assertEquals(1, changes.get(), "no change");
    assertEquals(0xfffe, device.config().read(0, 2));
    assertEquals(0x102, device.config().read(2, 2));
    assertEquals(2, device.config().read(4, 4));
    assertEquals(0, device.config().read(8, 4));
    assertThrows(IllegalStateException.class, () -> device.ports().get(1).resize(80, 24));
    assertThrows(IllegalArgumentException.class, () -> device.ports().get(0).resize(-1, 24));
    assertThrows(IllegalArgumentException.class, () -> device.ports().get(0).resize(80, 65536));
    VirtioConsole streams = new VirtioConsole("x", List.of(PortSpec.stream("a", host)));
    assertEquals(VirtioConsole.F_MULTIPORT, streams.features());
  }

  @Test
  void portsThatCanNotBeAreRefused() {
    RecordingHost host = new RecordingHost();
    PortSpec longest = PortSpec.stream("\u00e9".repeat(50), host);
    assertEquals(1, new VirtioConsole("x", List.of(longest)).ports().size());
    assertThrows(
        IllegalArgumentException.class, () -> PortSpec.stream("\u00e9".repeat(50) + "a", host));
    assertThrows(IllegalArgumentException.class, () -> PortSpec.stream("a\0b", host));
    assertThrows(NullPointerException.class, () -> PortSpec.stream("a", null));
    for (List<PortSpec> specs :
        List.of(
            List.<PortSpec>of(),
            List.of(longest, longest),
            Collections.nCopies(VirtioConsole.MAX_PORTS + 1, PortSpec.console(host)))) {
      assertThrows(IllegalArgumentException.class, () -> new VirtioConsole("x", specs));
    }
  }
}
