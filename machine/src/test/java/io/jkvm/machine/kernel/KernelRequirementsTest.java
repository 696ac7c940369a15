// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.kernel.KernelRequirements.Missing;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class KernelRequirementsTest {
  private static final Predicate<String> NONE = module -> false;
  private static final Set<Purpose> ALL = EnumSet.allOf(Purpose.class);

  private static KernelConfig config(String text) {
    return KernelConfig.parse(text, "test");
  }

  private static List<String> lines(KernelConfig config, Predicate<String> modules, Purpose... of) {
    return KernelRequirements.missing(config, Set.of(of), modules).stream()
        .map(Missing::toString)
        .toList();
  }

  @Test
  void aKernelWithTheFragmentLacksNothing() {
    for (Purpose purpose : Purpose.values()) {
      KernelConfig config = config(KernelRequirements.fragment(Set.of(purpose)));
      assertEquals(List.of(), lines(config, NONE, purpose));
    }
    assertEquals(
        List.of(), KernelRequirements.missing(config(KernelRequirements.fragment(ALL)), ALL, NONE));
  }

  /** What is needed is named by its option with what it is for (row 48 of the traps). */
  @Test
  void eachOptionThatLacksIsNamed() {
    String fragment = KernelRequirements.fragment(ALL);
    for (KernelRequirement requirement : KernelRequirements.of(ALL)) {
      for (KernelRequirement.Option option : requirement.alternatives().get(0)) {
        String without = fragment.replace("CONFIG_" + option.name() + "=y\n", "");
        assertFalse(without.equals(fragment), option.name());
        List<Missing> missing = KernelRequirements.missing(config(without), ALL, NONE);
        assertTrue(
            missing.stream()
                .anyMatch(
                    it ->
                        it.requirement().equals(requirement)
                            && it.options().contains("CONFIG_" + option.name())
                            && it.toString().endsWith(": " + requirement.reason())),
            option.name());
      }
    }
  }

  @Test
  void anyAlternativeWillDo() {
    String fragment = KernelRequirements.fragment(Set.of(Purpose.COMMAND));
    String without = fragment.replace("CONFIG_VIRTIO_PCI=y", "");
    assertEquals(
        List.of("CONFIG_VIRTIO_PCI or CONFIG_VIRTIO_MMIO: the machine's devices"),
        lines(config(without), NONE, Purpose.COMMAND));
    assertEquals(List.of(), lines(config(without + "CONFIG_VIRTIO_MMIO=y"), NONE, Purpose.COMMAND));
  }

  @Test
  void allOfAnAlternativeIsNeeded() {
    String fragment = KernelRequirements.fragment(Set.of(Purpose.COMMAND));
    String half = fragment + "CONFIG_OVERLAY_FS=y\nCONFIG_9P_FS=y\n";
    assertEquals(
        List.of("CONFIG_VIRTIO_FS or CONFIG_NET_9P_VIRTIO: the host's directories"),
        lines(config(half), NONE, Purpose.SHARE));
    assertEquals(List.of(), lines(config(half + "CONFIG_NET_9P_VIRTIO=y"), NONE, Purpose.SHARE));
  }

  @Test
  void aModuleCountsIfItIsThere() {
    String fragment = KernelRequirements.fragment(Set.of(Purpose.COMMAND));
    KernelConfig modular = config(fragment.replace("VIRTIO_CONSOLE=y", "VIRTIO_CONSOLE=m"));
    assertEquals(List.of(), lines(modular, "virtio_console"::equals, Purpose.COMMAND));
    assertEquals(
        List.of(
            "CONFIG_VIRTIO_CONSOLE (is m, and module virtio_console was not found)"
                + " or CONFIG_VIRTIO_VSOCKETS: the agent's channel to the host"),
        lines(modular, NONE, Purpose.COMMAND));
    KernelConfig vsockAlone = config(fragment.replace("VIRTIO_CONSOLE=y", "VIRTIO_VSOCKETS=y"));
    assertEquals(List.of(), lines(vsockAlone, NONE, Purpose.COMMAND));
    KernelConfig embedded = config(KernelRequirements.fragment(ALL) + "CONFIG_IKCONFIG=m\n");
    assertEquals(
        List.of(
            "CONFIG_IKCONFIG (is m, and a module won't do):"
                + " what this kernel lacks is told before it boots"),
        lines(embedded, module -> true, Purpose.REPORTS));
  }

  @Test
  void whatIsNeededComesFirst() {
    List<Missing> missing = KernelRequirements.missing(config(""), ALL, NONE);
    List<Boolean> needed = missing.stream().map(Missing::isNeeded).toList();
    assertTrue(needed.contains(true) && needed.contains(false));
    assertFalse(needed.subList(needed.indexOf(false), needed.size()).contains(true));
  }

  @Test
  void aFragmentHasWhatIsAskedForAndThatFirst() {
    String fragment = KernelRequirements.fragment(Set.of(Purpose.COMMAND, Purpose.DISK));
    assertTrue(fragment.contains("CONFIG_VIRTIO_BLK=y\n"), fragment);
    for (String other : List.of("INET", "KUNIT", "VIRTIO_FS", "VIRTIO_NET", "OVERLAY_FS")) {
      assertFalse(fragment.contains("CONFIG_" + other + "=y\n"), other);
    }
    int recommended = fragment.indexOf("# recommended: ");
    assertTrue(fragment.lastIndexOf("# needed: ") < recommended, fragment);
    assertTrue(fragment.indexOf("# From here on recommended") < recommended, fragment);
  }

  @Test
  void aCommandIsRunWhateverElse() {
    Set<KernelRequirement> command = new HashSet<>(KernelRequirements.of(Set.of()));
    assertFalse(command.isEmpty());
    assertTrue(KernelRequirements.of(Set.of(Purpose.NETWORK)).containsAll(command));
  }

  @Test
  void aFragmentSaysWhyAndNamesEachOptionOnce() {
    String fragment = KernelRequirements.fragment(ALL);
    List<String> options = fragment.lines().filter(line -> line.startsWith("CONFIG_")).toList();
    assertEquals(options.size(), new HashSet<>(options).size());
    assertTrue(fragment.contains("\n# needed: the machine's devices (or instead: "));
    assertEquals(
        Set.of('#', 'C'),
        fragment
            .lines()
            .filter(l -> !l.isEmpty())
            .map(l -> l.charAt(0))
            .collect(Collectors.toSet()));
    assertTrue(fragment.lines().allMatch(line -> line.length() <= 120), fragment);
  }

  /** What a kernel may have as a module, and a purpose needs, is on the list of its modules. */
  @Test
  void theAgentsModulesAreThoseThatAreRequired() {
    for (KernelRequirement requirement : KernelRequirements.of(ALL)) {
      List<String> names = new ArrayList<>(AgentModules.names(requirement.purposes()));
      names.add("ext4"); // GuestRoot adds that of the image
      for (KernelRequirement.Option option : requirement.alternatives().get(0)) {
        option.module().ifPresent(name -> assertTrue(names.contains(name), name));
      }
    }
    List<String> all = AgentModules.names(ALL);
    assertEquals(all.size(), new HashSet<>(all).size());
  }
}
