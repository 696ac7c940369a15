// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.ShareOption;
import io.jkvm.launcher.testing.RawArguments;
import io.jkvm.machine.agent.GuestCommand;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What the guest's root is made of, and how a command runs in it. */
final class GuestOptions {
  static final String HOST = "host";
  static final String INITRAMFS = "initramfs";

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = {"-k", "--kernel"},
      paramLabel = "FILE|DIR",
      description = {
        "Kernel: a bzImage or vmlinux, or a directory: a built kernel tree, an O= build directory,"
            + " or a distribution's kernel package, unpacked; its modules are found too.",
        "Default: as for 'jkvm run'."
      })
  private List<Path> kernels = List.of();

  @Option(
      names = "--root",
      paramLabel = "host|initramfs|DIR|IMAGE",
      description = {
        "The guest's root.",
        "host: the host's own root directory. The guest never writes it: changes stay in memory."
            + " This directory is the host's too, and can be written (default, if the kernel"
            + " has virtio-fs or 9p, and overlayfs).",
        "initramfs: made for the run from the command, what it needs and busybox (default for other"
            + " kernels).",
        "DIR: a directory, packed into the guest's memory.",
        "IMAGE: a raw image with a file system, which is not written: changes stay in memory."
      })
  private String root;

  @Option(
      names = "--share",
      paramLabel = ShareOption.SYNTAX,
      description = {
        "Have a directory of the host in the guest, at the same place or at GUEST; may be repeated.",
        "ro: the guest can't write."
      })
  private List<String> shares = List.of();

  @Option(
      names = "--ro",
      description = "With --root host: this directory can't be written by the guest either.")
  private boolean readOnly;

  @Option(
      names = "--include",
      paramLabel = "HOST[:GUEST]",
      description = {
        "Put a file or directory of the host into the guest, at the same place or at GUEST; may be"
            + " repeated. A program brings the shared libraries that it names, a script its"
            + " interpreter."
      })
  private List<String> includes = List.of();

  @Option(
      names = "--module",
      paramLabel = "NAME|FILE.ko",
      description =
          "Load a module of the kernel, and those that it depends on, before the command runs; may"
              + " be repeated.")
  private List<String> modules = List.of();

  @Option(
      names = {"-u", "--user"},
      paramLabel = "USER[:GROUP]",
      defaultValue = "",
      description = "Run as this user of the guest, a name or a number (default: root).")
  private String user;

  @Option(
      names = {"-C", "--cwd"},
      paramLabel = "DIR",
      description =
          "Run in this directory of the guest (default: this one with --root host or initramfs, else"
              + " /).")
  private String directory;

  @Option(
      names = {"-e", "--env"},
      paramLabel = "NAME[=VALUE]",
      description = {
        "Set a variable for the command, without =VALUE to the host's; may be repeated.",
        "It has the host's environment, less HOME, USER, TMPDIR and others that name"
            + " what the guest does not have (docs/testing-kernels.md lists them)."
      })
  private List<String> variables = List.of();

  @Option(names = "--clear-env", description = "Pass on nothing of the host's environment.")
  private boolean clearEnvironment;

  List<Path> kernels() {
    return kernels;
  }

  /** Empty for the one that fits the kernel. */
  Optional<String> root() {
    return Optional.ofNullable(root);
  }

  /** Whether the guest has this directory at the same place. */
  boolean hasThisDirectory() {
    return root == null || root.equals(HOST) || root.equals(INITRAMFS);
  }

  boolean readOnly() {
    return readOnly;
  }

  List<ShareOption> shares() {
    List<ShareOption> parsed = new ArrayList<>();
    for (String share : shares) {
      try {
        parsed.add(ShareOption.parse(share));
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--share: " + e.getMessage(), e);
      }
    }
    return parsed;
  }

  List<String> includes() {
    return includes;
  }

  List<String> modules() {
    return modules;
  }

  /**
   * The command as the guest is to run it.
   *
   * @param arguments its name and arguments, at least the name
   */
  GuestCommand command(List<byte[]> arguments) {
    return GuestCommand.ofBytes(arguments)
        .environmentBytes(environment().strings())
        .user(user)
        .directory(directory());
  }

  /** The command's environment, as far as the host makes it. */
  GuestEnvironment environment() {
    List<byte[]> host = RawArguments.environment();
    GuestEnvironment environment =
        clearEnvironment
            ? GuestEnvironment.empty()
            : GuestEnvironment.ofHost(host, Optional.ofNullable(System.getProperty("jkvm.locale")));
    for (String variable : variables) {
      try {
        environment.with(variable, host);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--env: " + e.getMessage(), e);
      }
    }
    return environment;
  }

  /** Whether the command is to run as somebody else than root. */
  boolean hasOtherUser() {
    return !user.isEmpty() && !user.matches("(root|0)(:.*)?");
  }

  String directory() {
    if (directory != null) {
      return directory;
    }
    return hasThisDirectory() ? Path.of("").toAbsolutePath().toString() : "/";
  }
}
