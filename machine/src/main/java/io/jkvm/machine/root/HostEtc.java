// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.initramfs.InitramfsBuilder;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Files in {@code /etc} that can't be the host's in a guest whose root is otherwise the host's:
 * they name networks and disks that it does not have, or must not be read by the user who runs it.
 */
final class HostEtc {
  /** The host as the guest sees it through a network of the user's: docs/networking.md. */
  private static final String HOST_ADDRESS = "10.0.2.2";

  private static final String GUEST_NAME = "jkvm";
  private static final int MAX_BYTES = 1 << 20;

  /** The second one has what a local resolver, which the first one names, asks. */
  private static final List<String> RESOLVERS =
      List.of("etc/resolv.conf", "run/systemd/resolve/resolv.conf");

  private final Path host;
  private final MachineSpec machine;
  private final Predicate<Path> readable;
  private final boolean ofRoot;

  /**
   * Of a host's root directory.
   *
   * @param readable whether this process may read a file
   * @param ofRoot whether it is the host's root's
   */
  HostEtc(Path host, MachineSpec machine, Predicate<Path> readable, boolean ofRoot) {
    this.host = host;
    this.machine = machine;
    this.readable = readable;
    this.ofRoot = ofRoot;
  }

  /** Puts them below a directory of what the agent takes to the root. */
  void addTo(InitramfsBuilder builder, String directory) throws IOException {
    put(builder, directory, "resolv.conf", 0644, resolvers());
    put(builder, directory, "fstab", 0644, "# The agent has mounted what there is.\n");
    put(builder, directory, "hosts", 0644, hosts());
    if (!ofRoot) {
      put(builder, directory, "gitconfig", 0644, gitConfig());
    }
    if (isSecret("shadow")) {
      put(builder, directory, "shadow", 0640, locked());
    }
    if (isSecret("gshadow")) {
      put(builder, directory, "gshadow", 0640, lockedGroups());
    }
    if (isSecret("sudoers")) {
      put(builder, directory, "sudoers", 0440, "root ALL=(ALL:ALL) ALL\n");
    }
  }

  private static void put(
      InitramfsBuilder builder, String directory, String name, int mode, String text)
      throws IOException {
    byte[] content = text.getBytes(StandardCharsets.ISO_8859_1);
    builder.file(directory + "/etc/" + name, mode, content);
  }

  /** There, but not for this user, as whom the guest would be refused too. */
  private boolean isSecret(String name) {
    Path file = host.resolve("etc").resolve(name);
    return Files.exists(file) && !readable.test(file);
  }

  private String resolvers() {
    if (machine.cards().isEmpty()) {
      return "# There is no network.\n";
    }
    for (String file : RESOLVERS) {
      String servers =
          lines(file).stream()
              .filter(
                  line -> line.matches("nameserver\\s+(?!127\\.|::1\\b).*|(search|options)\\s.*"))
              .collect(Collectors.joining("\n", "", "\n"));
      if (servers.lines().anyMatch(line -> line.startsWith("nameserver"))) {
        return servers;
      }
    }
    boolean throughHost =
        machine.cards().stream().anyMatch(card -> card.network() instanceof NetworkSpec.User);
    return throughHost ? "nameserver " + HOST_ADDRESS + "\n" : "# No name server is known.\n";
  }

  private String hosts() {
    String own = "127.0.0.1 localhost " + GUEST_NAME + "\n";
    return own + lines("etc/hosts").stream().collect(Collectors.joining("\n", "", "\n"));
  }

  /**
   * The guest's root stands for an ordinary user, whose files have that user's number all the same:
   * git would not touch a repository that looks like somebody else's.
   */
  private String gitConfig() {
    String own = "[safe]\n\tdirectory = *\n";
    return lines("etc/gitconfig").stream().collect(Collectors.joining("\n", "", "\n")) + own;
  }

  /** Accounts without a password that anybody could give. */
  private String locked() {
    return lines("etc/passwd").stream()
        .filter(line -> line.indexOf(':') > 0)
        .map(line -> line.substring(0, line.indexOf(':')) + ":*:::::::\n")
        .collect(Collectors.joining());
  }

  /** Groups that nobody enters with a password. */
  private String lockedGroups() {
    return lines("etc/group").stream()
        .map(line -> line.split(":", -1))
        .filter(fields -> fields.length > 3)
        .map(fields -> fields[0] + ":*::" + fields[3] + "\n")
        .collect(Collectors.joining());
  }

  private List<String> lines(String file) {
    Path path = host.resolve(file);
    try {
      if (Files.size(path) > MAX_BYTES) {
        return List.of();
      }
      return Files.readString(path, StandardCharsets.ISO_8859_1).lines().toList();
    } catch (IOException e) {
      return List.of(); // the guest does without
    }
  }
}
