// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.ShareProtocol;
import io.jkvm.machine.spec.ShareSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** The shares of a root: what the machine has for them, and how the agent mounts them. */
final class ShareMounts {
  private static final String ROOT_TAG = "jkvm-root";

  private static final String ROOTS_HOME = "/root";

  private final RootSpec spec;
  private final ShareProtocol protocol;
  private final Predicate<Path> enterable;

  /**
   * Of a root.
   *
   * @param enterable whether this process may look into a directory of the host
   * @throws MachineException about a place in the guest that no share can have, and about what
   *     would be included where a share is mounted later
   */
  ShareMounts(RootSpec spec, ShareProtocol protocol, Predicate<Path> enterable) {
    this.spec = spec;
    this.protocol = protocol;
    this.enterable = enterable;
    Set<String> places = new HashSet<>();
    for (RootSpec.Share share : spec.shares()) {
      String place = place(share);
      if (!places.add(place)) {
        throw new MachineException(
            Problem.SHARE_TWICE, "two directories are to be shared at " + place);
      }
      SharePlace.check(spec, share);
    }
    spec.includes().forEach(this::checkIsSeen);
  }

  /** What is included may be the share's own file. */
  private void checkIsSeen(RootSpec.Include include) {
    Path host = include.host().toAbsolutePath().normalize();
    Path guest = include.guest().isEmpty() ? host : Path.of("/", include.guest()).normalize();
    Optional<RootSpec.Share> above =
        spec.shares().stream()
            .filter(share -> guest.startsWith(place(share)))
            .max(Comparator.comparingInt(share -> Path.of(place(share)).getNameCount()));
    if (above.isEmpty()) {
      return;
    }
    String place = place(above.get());
    Path seen = above.get().host().resolve(Path.of(place).relativize(guest));
    if (!isSame(seen, host)) {
      throw new MachineException(
          Problem.INCLUDE_HIDDEN,
          include.host()
              + " can't be included at "
              + guest
              + ": the directory that is shared at "
              + place
              + " hides it");
    }
  }

  private static boolean isSame(Path seen, Path host) {
    try {
      return Files.isSameFile(seen, host);
    } catch (IOException e) {
      return seen.toAbsolutePath().normalize().equals(host); // what is wrong is said later
    }
  }

  private static String place(RootSpec.Share share) {
    return SharePlace.of(share).toString();
  }

  /** Adds the devices. */
  void addTo(MachineSpecBuilder machine) {
    if (spec.kind() == RootSpec.Kind.HOST) {
      machine.share(
          ShareSpec.of(ROOT_TAG, spec.source().orElseThrow()).asConstant().over(protocol));
    }
    int number = 0;
    for (RootSpec.Share share : spec.shares()) {
      ShareSpec wanted = ShareSpec.of(tag(number++), share.host()).over(protocol);
      machine.share(share.readOnly() ? wanted.asReadOnly() : wanted);
    }
  }

  private static String tag(int number) {
    return "jkvm-share-" + number;
  }

  /** What the agent mounts as root. */
  GuestMounts.Mount root() {
    return new GuestMounts.Mount(ROOT_TAG, protocol.mountType(), options(true, true), "");
  }

  /** What the agent mounts in the root: what lies above before what lies below. */
  List<GuestMounts.Mount> others() {
    List<GuestMounts.Mount> mounts = new ArrayList<>();
    int number = 0;
    for (RootSpec.Share share : spec.shares()) {
      String options = options(share.readOnly(), false);
      mounts.add(new GuestMounts.Mount(tag(number++), protocol.mountType(), options, place(share)));
    }
    if (spec.kind() == RootSpec.Kind.HOST
        && isClosed(spec.source().orElseThrow())
        && spec.shares().stream().noneMatch(share -> place(share).equals(ROOTS_HOME))) {
      mounts.add(new GuestMounts.Mount("tmpfs", "tmpfs", "mode=0700", ROOTS_HOME));
    }
    mounts.sort((one, other) -> Integer.compare(depth(one), depth(other)));
    return mounts;
  }

  /** The guest's root has his home there, where this process, and so the guest, has no way in. */
  private boolean isClosed(Path host) {
    Path home = host.resolve(ROOTS_HOME.substring(1));
    return Files.isDirectory(home) && !enterable.test(home);
  }

  private static int depth(GuestMounts.Mount mount) {
    return Path.of(mount.directory()).getNameCount();
  }

  private String options(boolean readOnly, boolean constant) {
    List<String> options = new ArrayList<>();
    if (readOnly) {
      options.add("ro");
    }
    if (protocol == ShareProtocol.NINE_P) {
      options.add(protocol.mountOptions());
      options.add("cache=" + (constant ? "loose" : "mmap"));
    }
    return String.join(",", options);
  }
}
