// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A specification that can't be is refused where it is made, with its problem. */
class MachineSpecTest {
  private static MachineSpecBuilder boot() {
    return MachineSpec.boot(Path.of("bzImage"));
  }

  private static Arguments refused(Problem problem, String facts, Supplier<Object> make) {
    return Arguments.of(problem, facts, make);
  }

  private static CardSpec card(long mac) {
    return CardSpec.on(NetworkSpec.user()).withMac(new MacAddress(mac));
  }

  private static CardSpec capturing(String file) {
    return new CardSpec(
        NetworkSpec.user(),
        MacAddress.random(),
        OptionalInt.empty(),
        Optional.of(Path.of(file)),
        LinkSpec.PERFECT);
  }

  static Stream<Arguments> refuses() {
    DiskSpec a = DiskSpec.raw(Path.of("a.img"));
    DiskSpec b = DiskSpec.raw(Path.of("b.img"));
    NetworkSpec tap = new NetworkSpec.Tap("tap0", 1);
    NetworkSpec listen = new NetworkSpec.Listen(Path.of("s"));
    return Stream.of(
        refused(Problem.MEMORY_SIZE, "0 bytes", () -> boot().memoryBytes(0).build()),
        refused(Problem.MEMORY_SIZE, "-1 bytes", () -> boot().memoryBytes(-1).build()),
        refused(Problem.MEMORY_SIZE, "too few", () -> boot().memoryMiB(63).build()),
        refused(Problem.MEMORY_SIZE, "pages", () -> boot().memoryBytes((64L << 20) + 1).build()),
        refused(Problem.CPU_COUNT, "0 is not", () -> boot().cpus(0).build()),
        refused(Problem.CPU_COUNT, "-1 is not", () -> boot().cpus(-1).build()),
        refused(Problem.CPU_COUNT, "300 is not", () -> boot().cpus(300).build()),
        refused(Problem.NAME, "''", () -> boot().name("").build()),
        refused(Problem.NAME, "'a/b'", () -> boot().name("a/b").build()),
        refused(Problem.NAME, "64", () -> boot().name("x".repeat(65)).build()),
        refused(Problem.COMMAND_LINE_HAS_NUL, "NUL", () -> boot().commandLine("a\0b").build()),
        refused(
            Problem.CPU_FEATURE,
            "'warp'",
            () -> boot().cpuFeatures(List.of(new CpuFeatureChange("warp", true))).build()),
        refused(Problem.DISK_ID, "20 printable", () -> a.withId("x".repeat(21))),
        refused(Problem.DISK_ID, "20 printable", () -> a.withId("a b")),
        refused(Problem.DISK, "null", () -> new DiskSpec(null, false, "")),
        refused(
            Problem.DISK_ID_TWICE,
            "'x'",
            () -> boot().disk(a.withId("x")).disk(b.withId("x")).build()),
        refused(Problem.DISK_TWICE, "a.img", () -> boot().disk(a).disk(a).build()),
        refused(
            Problem.DISK_TWICE,
            "a.img",
            () -> boot().disk(a).disk(DiskSpec.raw(Path.of("./x/../a.img"))).build()),
        refused(Problem.NETWORK, "without a network", () -> CardSpec.on(null)),
        refused(Problem.NETWORK, "0 queues", () -> new NetworkSpec.Tap("tap0", 0)),
        refused(Problem.NETWORK, "17 queues", () -> new NetworkSpec.Tap("tap0", 17)),
        refused(Problem.NETWORK, "interface", () -> new NetworkSpec.Tap("a/b", 1)),
        refused(
            Problem.NETWORK,
            "MTU of 67",
            () ->
                new CardSpec(
                    tap,
                    MacAddress.random(),
                    OptionalInt.of(67),
                    Optional.empty(),
                    LinkSpec.PERFECT)),
        refused(Problem.MAC_ADDRESS, "000000000000", () -> new MacAddress(0)),
        refused(Problem.MAC_ADDRESS, "group", () -> new MacAddress(0x01005e000001L)),
        refused(Problem.MAC_ADDRESS, "48 bits", () -> new MacAddress(1L << 48)),
        refused(
            Problem.CARD_TWICE,
            "02:00:00:00:00:01",
            () -> boot().card(card(0x020000000001L)).card(card(0x020000000001L)).build()),
        refused(Problem.CARD_TWICE, "tap0", () -> boot().card(tap).card(tap).build()),
        refused(Problem.CARD_TWICE, "socket", () -> boot().card(listen).card(listen).build()),
        refused(
            Problem.CARD_TWICE,
            "capture",
            () -> boot().card(capturing("x")).card(capturing("./x")).build()),
        refused(Problem.LINK, "rate", () -> link(0, 0, 0)),
        refused(Problem.LINK, "loss", () -> link(1, 1.5, 0)),
        refused(Problem.LINK, "loss", () -> link(1, Double.NaN, 0)),
        refused(Problem.LINK, "delay", () -> link(1, 0, 11_000)),
        refused(Problem.LINK, "delay", () -> link(1, 0, -1)),
        refused(Problem.PUBLISHED_PORT, "port 0", () -> PublishedPort.tcp(0, 80)),
        refused(Problem.PUBLISHED_PORT, "port 65536", () -> PublishedPort.tcp(80, 65536)),
        refused(
            Problem.PUBLISHED_PORT,
            "here",
            () -> new PublishedPort(PublishedPort.Protocol.UDP, "here", 53, 53)),
        refused(
            Problem.PUBLISHED_PORT,
            "80/tcp",
            () ->
                new NetworkSpec.User(
                    List.of(PublishedPort.tcp(80, 80), PublishedPort.tcp(80, 81)))),
        refused(
            Problem.DEVICE, "0xffff", () -> boot().portDevice(0xffff, 2, "x", c -> null).build()),
        refused(Problem.DEVICE, "0 I/O ports", () -> boot().portDevice(1, 0, "x", c -> null)));
  }

  private static LinkSpec link(long rate, double loss, long delayMilliseconds) {
    return new LinkSpec(
        OptionalLong.of(rate), loss, Duration.ofMillis(delayMilliseconds), OptionalLong.empty());
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource
  void refuses(Problem problem, String facts, Supplier<Object> make) {
    MachineException e = assertThrows(MachineException.class, make::get);
    assertEquals(problem, e.problem());
    assertTrue(e.getMessage().contains(facts), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(!e.getMessage().contains("--"), "no options of a command: " + e.getMessage());
  }

  @Test
  void isTheSameAfterItsBuilder() {
    MachineSpec spec =
        boot()
            .name("one")
            .initrd(Path.of("i"))
            .disk(DiskSpec.raw(Path.of("a")).asReadOnly())
            .disk(DiskSpec.raw(Path.of("a")).asReadOnly())
            .card(NetworkSpec.user())
            .memoryMiB(64)
            .cpus(255)
            .bootWay(BootWay.PVH)
            .transport(VirtioTransport.MMIO)
            .entropySource(true)
            .commandLine("a")
            .commandLine("b")
            .commandLineOnly("c")
            .cpuFeatures(List.of(new CpuFeatureChange("cx16", false)))
            .kvmDevice(Path.of("/dev/other"))
            .build();
    assertEquals(spec, spec.toBuilder().build());
    assertEquals("a b", spec.commandLine());
    assertEquals(Path.of("x"), spec.withKernel(Path.of("x")).kernel());
  }

  @Test
  void laterChangesOfTheBuilderAreNotSeen() {
    MachineSpecBuilder builder = boot();
    MachineSpec spec = builder.build();
    builder.disk(DiskSpec.raw(Path.of("a")));
    assertEquals(new ArrayList<>(), spec.disks());
  }
}
