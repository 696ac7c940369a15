// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtioTransport;
import io.jkvm.machine.spec.VirtualSwitch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machines in one JVM, one after the other and at once: nothing of them is left behind. */
@RequiresKvm
class ManyMachinesTest {
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final int MACHINES = 50;
  private static final int AT_ONCE = 5;

  @TempDir Path folder;
  private Path kernel;
  private Path image;
  private final Host host = new Host();

  @BeforeEach
  void writeFiles() throws IOException {
    kernel = TinyKernel.write(folder);
    image = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
  }

  private Machine create(int number, VirtualSwitch network, VirtioTransport transport) {
    MachineSpec spec =
        MachineSpec.boot(kernel)
            .name("many-" + number)
            .memoryMiB(64)
            .cpus(1 + number % 2)
            .transport(transport)
            .disk(DiskSpec.raw(image).asReadOnly())
            .card(CardSpec.on(new NetworkSpec.Switch(network)))
            .entropySource(true)
            .build();
    return Machine.create(spec, host);
  }

  private void live(Machine machine) throws InterruptedException {
    machine.start();
    machine.console().expect("K", PATIENCE);
    machine.pause();
    machine.resume();
    machine.console().send("alive");
    machine.console().expect("alive", PATIENCE);
  }

  @Test
  void leaveNothingBehind() throws Exception {
    VirtualSwitch network = new VirtualSwitch("lan");
    // What the JVM and its libraries make once, and keep.
    try (Machine first = create(0, network, VirtioTransport.PCI)) {
      live(first);
    }
    int descriptors = descriptors().size();
    Set<String> threads = threads();
    long mappings = guestMappings();
    for (int i = 0; i < MACHINES; i += AT_ONCE) {
      List<Machine> machines = new ArrayList<>();
      for (int j = 0; j < AT_ONCE; j++) {
        VirtioTransport transport = j % 2 == 0 ? VirtioTransport.PCI : VirtioTransport.MMIO;
        machines.add(create(i + j, network, transport));
      }
      for (Machine machine : machines) {
        live(machine);
      }
      Set<String> unnamed = threads();
      unnamed.removeAll(threads);
      unnamed.removeIf(name -> name.startsWith("many-"));
      assertEquals(Set.of(), unnamed, "threads without their machine's name");
      for (Machine machine : machines) {
        assertEquals(List.of(), machine.closeAndReport());
      }
    }
    assertEquals(threads, threads());
    assertNoMoreThan(descriptors);
    assertEquals(mappings, guestMappings());
  }

  @Test
  void aMachineThatCannotBeMadeLeavesNothing() throws Exception {
    MachineSpec spec =
        MachineSpec.boot(kernel)
            .memoryMiB(64)
            .disk(DiskSpec.raw(image))
            .card(
                new NetworkSpec.Custom(
                    () -> {
                      throw new IOException("not today");
                    }))
            .build();
    create(0, new VirtualSwitch("lan"), VirtioTransport.PCI).close();
    int descriptors = descriptors().size();
    Set<String> threads = threads();
    for (int i = 0; i < 20; i++) {
      assertThrows(MachineException.class, () -> Machine.create(spec, host));
    }
    assertNoMoreThan(descriptors);
    assertEquals(threads, threads());
  }

  private static Set<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** What tests before this one left to be closed later may be gone by now. */
  private static void assertNoMoreThan(int descriptors) {
    List<String> now = descriptors();
    assertTrue(now.size() <= descriptors, () -> descriptors + " descriptors, then " + now);
  }

  private static List<String> descriptors() {
    List<String> open = new ArrayList<>();
    try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
      for (Path entry : entries.toList()) {
        try {
          open.add(Files.readSymbolicLink(entry).toString());
        } catch (IOException e) {
          continue; // the one that lists them
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return open;
  }

  /** Anonymous mappings of 64 MiB and more, as guests' RAM is, and vCPUs' run pages. */
  private static long guestMappings() throws IOException {
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(
              line -> {
                String[] range = line.split(" ")[0].split("-");
                long bytes =
                    Long.parseUnsignedLong(range[1], 16) - Long.parseUnsignedLong(range[0], 16);
                boolean anonymous = line.split("\\s+").length == 5;
                return anonymous && bytes == 64L << 20 || line.contains("kvm-vcpu");
              })
          .count();
    }
  }
}
