// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
        refused(Problem.DISK, "not to -1", () -> DiskTuning.DEFAULT.withIops(-1)),
        refused(
            Problem.DISK,
            "no direct I/O",
            () -> DiskSpec.custom("mine", () -> null).withTuning(DiskTuning.DEFAULT.withDirect())),
        refused(Problem.DISK, "requests", () -> DiskTuning.DEFAULT.withIops(1_000_000_001)),
        refused(Problem.DISK, "not to 511", () -> DiskTuning.DEFAULT.withBytesPerSecond(511)),
        refused(Problem.DISK, "bytes", () -> DiskTuning.DEFAULT.withBytesPerSecond(-512)),
        refused(Problem.DISK, "bytes", () -> DiskTuning.DEFAULT.withBytesPerSecond(1L << 41)),
        refused(
            Problem.DISK_ID_TWICE,
            "'x'",
            () -> boot().disk(a.withId("x")).disk(b.withId("x")).build()),
        refused(Problem.DISK_TWICE, "a.img", () -> boot().disk(a).disk(a).build()),
        refused(
            Problem.DISK_TWICE,
            "a.img",
            () -> boot().disk(a).disk(DiskSpec.raw(Path.of("./x/../a.img"))).build()),
        refused(Problem.DISK_TWICE, "a.img", () -> boot().disk(a).disk(a.asReadOnly()).build()),
        refused(Problem.DISK_TWICE, "a.img", () -> boot().disk(a.asReadOnly()).disk(a).build()),
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
        refused(Problem.LINK, "delay of 11 s", () -> link(1, 0, 11_000)),
        refused(Problem.LINK, "delay of -0.001 s", () -> link(1, 0, -1)),
        refused(
            Problem.LINK,
            "delay of " + Long.MAX_VALUE + " s",
            () -> link(Duration.ofSeconds(Long.MAX_VALUE))),
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
        refused(
            Problem.DEVICE,
            "those of one",
            () ->
                boot()
                    .portDevice(0x500, 4, "one", c -> null)
                    .portDevice(0x503, 1, "two", c -> null)
                    .build()),
        refused(Problem.TOO_MANY_DEVICES, "32 virtio devices", () -> withDevices(32).build()),
        refused(Problem.DEVICE, "0 I/O ports", () -> boot().portDevice(1, 0, "x", c -> null)));
  }

  private static LinkSpec link(Duration delay) {
    return new LinkSpec(OptionalLong.empty(), 0, delay, OptionalLong.empty());
  }

  private static LinkSpec link(long rate, double loss, long delayMilliseconds) {
    return new LinkSpec(
        OptionalLong.of(rate), loss, Duration.ofMillis(delayMilliseconds), OptionalLong.empty());
  }

  static Stream<Arguments> refusesWhatIsMissing() {
    return Stream.of(
        refused(Problem.INCOMPLETE, "the kernel", () -> MachineSpec.boot(null).build()),
        refused(Problem.INCOMPLETE, "the kernel", () -> boot().build().withKernel(null)),
        refused(Problem.INCOMPLETE, "the name of the machine", () -> boot().name(null).build()),
        refused(Problem.INCOMPLETE, "an initrd", () -> boot().initrd(null).build()),
        refused(Problem.INCOMPLETE, "a disk", () -> boot().disk(null).build()),
        refused(Problem.INCOMPLETE, "a network card", () -> boot().card((CardSpec) null).build()),
        refused(Problem.INCOMPLETE, "the way to boot", () -> boot().bootWay(null).build()),
        refused(Problem.INCOMPLETE, "the virtio transport", () -> boot().transport(null).build()),
        refused(Problem.INCOMPLETE, "the KVM device", () -> boot().kvmDevice(null).build()),
        refused(
            Problem.INCOMPLETE,
            "what makes a virtio device",
            () -> boot().virtioDevice(null).build()),
        refused(Problem.INCOMPLETE, "processor features", () -> boot().cpuFeatures(null).build()),
        refused(
            Problem.INCOMPLETE,
            "a processor feature",
            () -> boot().cpuFeatures(Collections.singleton(null)).build()),
        refused(
            Problem.INCOMPLETE,
            "name of a processor feature",
            () -> new CpuFeatureChange(null, true)),
        refused(Problem.INCOMPLETE, "the command line", () -> boot().commandLine(null).build()),
        refused(
            Problem.INCOMPLETE,
            "the command line",
            () -> boot().commandLine("a").commandLine(null).build()),
        refused(
            Problem.INCOMPLETE,
            "the only command line",
            () -> boot().commandLineOnly(null).build()),
        refused(Problem.INCOMPLETE, "the image", () -> DiskSpec.raw(null)),
        refused(Problem.INCOMPLETE, "the name of a disk", () -> DiskSpec.custom(null, null)),
        refused(Problem.INCOMPLETE, "what opens a disk", () -> DiskSpec.custom("x", null)),
        refused(Problem.INCOMPLETE, "a published port", () -> new NetworkSpec.User(null)),
        refused(
            Problem.INCOMPLETE,
            "a published port",
            () -> new NetworkSpec.User(Collections.singletonList(null))),
        refused(Problem.INCOMPLETE, "passt", () -> new NetworkSpec.Passt(null)),
        refused(Problem.INCOMPLETE, "to listen on", () -> new NetworkSpec.Listen(null)),
        refused(Problem.INCOMPLETE, "to connect to", () -> new NetworkSpec.Connect(null)),
        refused(Problem.INCOMPLETE, "the name of a tap", () -> new NetworkSpec.Tap(null, 1)),
        refused(Problem.INCOMPLETE, "the switch", () -> new NetworkSpec.Switch(null)),
        refused(Problem.INCOMPLETE, "what opens a network", () -> new NetworkSpec.Custom(null)),
        refused(Problem.INCOMPLETE, "the name of a switch", () -> new VirtualSwitch(null)),
        refused(
            Problem.INCOMPLETE, "the protocol", () -> new PublishedPort(null, "127.0.0.1", 80, 80)),
        refused(
            Problem.INCOMPLETE,
            "the address",
            () -> new PublishedPort(PublishedPort.Protocol.TCP, null, 80, 80)),
        refused(
            Problem.INCOMPLETE,
            "the rate",
            () -> new LinkSpec(null, 0, Duration.ZERO, OptionalLong.empty())),
        refused(Problem.INCOMPLETE, "the delay", () -> link(null)),
        refused(
            Problem.INCOMPLETE,
            "the seed",
            () -> new LinkSpec(OptionalLong.empty(), 0, Duration.ZERO, null)),
        refused(
            Problem.INCOMPLETE, "the name of a device", () -> boot().portDevice(1, 1, null, null)),
        refused(
            Problem.INCOMPLETE, "what makes the device", () -> boot().portDevice(1, 1, "x", null)));
  }

  static Stream<Arguments> portsOfTheMachine() {
    return Stream.of(
        Arguments.of(0x3f0, 9, "serial port"),
        Arguments.of(0x3ff, 1, "serial port"),
        Arguments.of(0x60, 1, "keyboard"),
        Arguments.of(0x64, 1, "keyboard"),
        Arguments.of(0x71, 1, "clock"),
        Arguments.of(0x80, 1, "POST"),
        Arguments.of(0x92, 1, "control port A"),
        Arguments.of(0xcf9, 1, "PCI"),
        Arguments.of(0x605, 4, "power"),
        Arguments.of(0, 0x10000, "interrupt controller"),
        Arguments.of(0xa1, 1, "interrupt controller"),
        Arguments.of(0x4d0, 1, "interrupt controllers"),
        Arguments.of(0x43, 1, "timer"),
        Arguments.of(0x61, 1, "speaker"));
  }

  @ParameterizedTest(name = "{0}, {1} ports: {2}")
  @MethodSource("portsOfTheMachine")
  void keepsItsOwnPorts(int first, int count, String owner) {
    MachineSpecBuilder builder = boot().portDevice(first, count, "x", c -> null);
    MachineException e = assertThrows(MachineException.class, builder::build);
    assertEquals(Problem.DEVICE, e.problem());
    assertTrue(e.getMessage().contains(owner), e.getMessage());
  }

  @Test
  void devicesMayBeSideBySide() {
    MachineSpec spec =
        boot()
            .portDevice(0x3f0, 8, "before the serial port", c -> null)
            .portDevice(0x400, 1, "after it", c -> null)
            .portDevice(0x401, 1, "after that", c -> null)
            .portDevice(0x606, 1, "after power management", c -> null)
            .portDevice(0xffff, 1, "the last", c -> null)
            .build();
    assertEquals(5, spec.portDevices().size());
  }

  private static MachineSpecBuilder withDevices(int count) {
    MachineSpecBuilder builder =
        boot().entropySource(true).disk(DiskSpec.raw(Path.of("a"))).card(NetworkSpec.user());
    for (int i = 3; i < count; i++) {
      builder.virtioDevice(() -> null);
    }
    return builder;
  }

  @Test
  void eachTransportHasItsMostDevices() {
    assertEquals(28, withDevices(31).build().virtioDevices().size());
    assertEquals(
        29, withDevices(32).transport(VirtioTransport.MMIO).build().virtioDevices().size());
    assertEquals(
        61, withDevices(64).transport(VirtioTransport.MMIO).build().virtioDevices().size());
    MachineException e =
        assertThrows(
            MachineException.class, () -> withDevices(65).transport(VirtioTransport.MMIO).build());
    assertEquals(Problem.TOO_MANY_DEVICES, e.problem());
  }

  /** The canonical constructor, which needs no builder. */
  @Test
  void recordRefusesEachPartThatIsNull() throws ReflectiveOperationException {
    MachineSpec spec = boot().build();
    RecordComponent[] parts = MachineSpec.class.getRecordComponents();
    Class<?>[] types = Stream.of(parts).map(RecordComponent::getType).toArray(Class<?>[]::new);
    for (int i = 0; i < parts.length; i++) {
      if (types[i].isPrimitive()) {
        continue;
      }
      for (Object bad : badValues(types[i])) {
        Object[] values = new Object[parts.length];
        for (int j = 0; j < values.length; j++) {
          values[j] = j == i ? bad : parts[j].getAccessor().invoke(spec);
        }
        var e =
            assertThrows(
                InvocationTargetException.class,
                () -> MachineSpec.class.getDeclaredConstructor(types).newInstance(values));
        MachineException refusal = assertInstanceOf(MachineException.class, e.getCause());
        assertEquals(Problem.INCOMPLETE, refusal.problem(), parts[i].getName());
      }
    }
  }

  private static List<Object> badValues(Class<?> type) {
    return type == List.class
        ? Arrays.asList(null, Collections.singletonList(null))
        : Collections.singletonList(null);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource({"refuses", "refusesWhatIsMissing"})
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
