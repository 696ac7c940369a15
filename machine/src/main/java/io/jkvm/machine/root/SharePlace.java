// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Where a share is in the guest. */
final class SharePlace {
  /** Where the agent has what the kernel shows of itself. */
  private static final List<String> TAKEN = List.of("/proc", "/sys", "/dev", "/.jkvm");

  /** Below this it has nothing. */
  private static final Path MEMORY = Path.of("/dev/shm");

  /** What is in these on the host is not in the guest. */
  private static final List<String> EMPTY = List.of("/tmp", "/run", MEMORY.toString());

  /** NAME_MAX and PATH_MAX, in bytes, the latter without its NUL. */
  private static final int NAME_BYTES = 255;

  private static final int PATH_BYTES = 4095;

  private SharePlace() {}

  /**
   * The place without what is superfluous.
   *
   * @throws MachineException if no share can be there
   */
  static Path of(RootSpec.Share share) {
    Path path = Path.of(share.guest()).normalize();
    if (!path.isAbsolute() || path.getNameCount() == 0 || isTaken(path)) {
      throw refused(share, "'" + share.guest() + "' in the guest");
    }
    for (Path name : path) {
      if (bytes(name) > NAME_BYTES) {
        throw tooLong(share, "with a name of " + bytes(name), NAME_BYTES);
      }
    }
    if (bytes(path) > PATH_BYTES) {
      throw tooLong(share, "of " + bytes(path), PATH_BYTES);
    }
    return path;
  }

  private static int bytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }

  private static boolean isTaken(Path path) {
    return TAKEN.stream().anyMatch(path::startsWith)
        && !(path.startsWith(MEMORY) && path.getNameCount() > MEMORY.getNameCount());
  }

  private static MachineException tooLong(RootSpec.Share share, String what, int limit) {
    return refused(share, "a place in the guest " + what + " bytes; Linux has " + limit);
  }

  private static MachineException refused(RootSpec.Share share, String place) {
    return new MachineException(Problem.SHARE, share.host() + " can't be shared at " + place);
  }

  /**
   * Whether the host's root, where that is the guest's, has nothing but directories on the way, as
   * far as no symbolic link is in it: what that leads to may be something else in the guest. In
   * another share that can't be written the place has to be there.
   *
   * @throws MachineException if it has something else, or has not what is needed
   */
  static void check(RootSpec spec, RootSpec.Share share) {
    Path place = of(share);
    Optional<RootSpec.Share> outer =
        spec.shares().stream()
            .filter(other -> place.startsWith(of(other)) && !place.equals(of(other)))
            .max(Comparator.comparingInt(other -> of(other).getNameCount()));
    if (outer.isPresent()) {
      checkIn(outer.get(), share, place);
    } else if (spec.kind() == RootSpec.Kind.HOST && EMPTY.stream().noneMatch(place::startsWith)) {
      checkRoot(spec.source().orElseThrow(), share, place);
    }
  }

  private static void checkIn(RootSpec.Share outer, RootSpec.Share share, Path place) {
    Path inside = of(outer).relativize(place);
    boolean isAbsent =
        Files.isDirectory(outer.host()) && Files.notExists(outer.host().resolve(inside));
    if (outer.readOnly() && isAbsent) {
      throw refused(
          share,
          place
              + " in the guest: "
              + outer.host()
              + ", which is read-only there, has no "
              + inside);
    }
  }

  private static void checkRoot(Path root, RootSpec.Share share, Path place) {
    for (int names = 1; names <= place.getNameCount(); names++) {
      Path part = place.subpath(0, names);
      Path host = root.resolve(part);
      if (Files.isSymbolicLink(host)) {
        return;
      }
      if (Files.exists(host) && !Files.isDirectory(host)) {
        throw refused(share, place + " in the guest: /" + part + " is not a directory");
      }
    }
  }
}
