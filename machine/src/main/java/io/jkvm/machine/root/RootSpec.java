// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a guest's root is made of.
 *
 * @param kind how
 * @param source of a directory or an image
 * @param command the name of the command that is to be run, which is put into an initramfs with all
 *     that it needs; empty if that is in the root already
 * @param directory where the command is to run, made in an initramfs if it is not there
 * @param otherUser whether a user other than root runs there, who is to be able to write into a
 *     directory that was made
 * @param searchPath where the host has the command, as in PATH
 * @param libraryPath where programs are told to look for libraries, as in LD_LIBRARY_PATH; the
 *     command's environment has it too. May be empty
 * @param includes files of the host's
 * @param modules of the kernel, by name or file, to be loaded at the start
 * @param shares directories of the host that the guest has beside its root
 */
public record RootSpec(
    Kind kind,
    Optional<Path> source,
    Optional<String> command,
    String directory,
    boolean otherUser,
    String searchPath,
    String libraryPath,
    List<Include> includes,
    List<String> modules,
    List<Share> shares) {
  /** How a root is made. */
  public enum Kind {
    /** From the command, what it needs, and busybox. */
    INITRAMFS,
    /** From all of a directory. */
    DIRECTORY,
    /** It is a disk's file system, to which the agent adds what is to be included. */
    IMAGE,
    /** It is a directory of the host, read as it is; what the guest changes stays in its memory. */
    HOST;

    /** Whether the initramfs is only what the agent needs to reach the root. */
    boolean isBelowOverlay() {
      return this == IMAGE || this == HOST;
    }
  }

  /**
   * A file or directory of the host's.
   *
   * @param guest where it is to be; empty for the same place
   */
  public record Include(Path host, String guest) {}

  /**
   * A directory of the host that the guest has.
   *
   * @param guest where, an absolute path; made if it is not there
   */
  public record Share(Path host, String guest, boolean readOnly) {}

  /** A root without shares. */
  public RootSpec(
      Kind kind,
      Optional<Path> source,
      Optional<String> command,
      String directory,
      boolean otherUser,
      String searchPath,
      String libraryPath,
      List<Include> includes,
      List<String> modules) {
    this(
        kind,
        source,
        command,
        directory,
        otherUser,
        searchPath,
        libraryPath,
        includes,
        modules,
        List.of());
  }

  /** Takes copies. */
  public RootSpec {
    shares = List.copyOf(shares);
    includes = List.copyOf(includes);
    modules = List.copyOf(modules);
    if (kind != Kind.INITRAMFS && source.isEmpty()) {
      throw new IllegalArgumentException("a root without a source");
    }
  }

  /** The same with what a program on a terminal looks for: the descriptions of terminals. */
  public RootSpec withTerminal() {
    List<Include> more = new ArrayList<>(includes);
    if (kind == Kind.INITRAMFS) {
      for (String terminals : List.of("/lib/terminfo", "/etc/terminfo")) {
        if (Files.isDirectory(Path.of(terminals))) {
          more.add(new Include(Path.of(terminals), ""));
        }
      }
    }
    return new RootSpec(
        kind,
        source,
        command,
        directory,
        otherUser,
        searchPath,
        libraryPath,
        more,
        modules,
        shares);
  }

  /**
   * What a kernel is booted for with this root.
   *
   * @param machine that is to have it
   */
  public Set<Purpose> purposes(MachineSpec machine) {
    Set<Purpose> purposes = EnumSet.of(Purpose.COMMAND);
    if (kind == Kind.IMAGE) {
      purposes.add(Purpose.ROOT_IMAGE);
    }
    if (kind == Kind.HOST) {
      purposes.add(Purpose.ROOT_HOST);
    }
    if (!shares.isEmpty() || !machine.shares().isEmpty()) {
      purposes.add(Purpose.SHARE);
    }
    if (!machine.disks().isEmpty()) {
      purposes.add(Purpose.DISK);
    }
    if (!machine.cards().isEmpty()) {
      purposes.add(Purpose.NETWORK);
    }
    if (!modules.isEmpty()) {
      purposes.add(Purpose.MODULES);
    }
    return purposes;
  }
}
