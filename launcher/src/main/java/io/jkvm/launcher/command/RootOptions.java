// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.launcher.option.ShareOption;
import io.jkvm.launcher.report.Reporter;
import io.jkvm.machine.root.KernelShares;
import io.jkvm.machine.root.RootSpec;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The guest's root, as {@link GuestOptions} has it. */
final class RootOptions {
  private static final String USUAL_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private static final Path HOST_ROOT = Path.of("/");

  /** Below these the guest has its own. */
  private static final List<String> NO_PLACES = List.of("/proc", "/sys", "/dev");

  /** But this is a place like any other. */
  private static final String MEMORY = "/dev/shm";

  private final GuestOptions options;

  RootOptions(GuestOptions options) {
    this.options = options;
  }

  /** The image that is the root, if one is. */
  Optional<Path> image() {
    return named().filter(RootSpec.Kind.IMAGE::equals).map(kind -> source());
  }

  /** The kind that was asked for, if one was. */
  private Optional<RootSpec.Kind> named() {
    return options.root().map(RootOptions::kindOf);
  }

  private static RootSpec.Kind kindOf(String root) {
    return switch (root) {
      case GuestOptions.HOST -> RootSpec.Kind.HOST;
      case GuestOptions.INITRAMFS -> RootSpec.Kind.INITRAMFS;
      default -> Files.isDirectory(Path.of(root)) ? RootSpec.Kind.DIRECTORY : RootSpec.Kind.IMAGE;
    };
  }

  private Path source() {
    return Path.of(options.root().orElseThrow());
  }

  /**
   * The root for a command.
   *
   * @param command its name
   * @param kernel that is to have it
   * @param reporter told which one it is
   */
  RootSpec spec(String command, KernelShares kernel, Reporter reporter) {
    RootSpec.Kind kind = named().orElseGet(() -> best(kernel));
    reporter.step("the guest's root: " + (named().isPresent() ? asked() : chosen(kernel)));
    return spec(command, kind);
  }

  private String asked() {
    return options.root().orElseThrow() + ", as was asked for";
  }

  private static String chosen(KernelShares kernel) {
    return kernel
        .lack()
        .map(lack -> GuestOptions.INITRAMFS + ", as the kernel lacks " + lack)
        .orElse(GuestOptions.HOST + ", which the kernel can have");
  }

  /**
   * The host's files that the guest has by name.
   *
   * @param command with a '/' it is one of them, unless it is looked for in another root
   */
  List<Path> files(String command) {
    List<Path> files = new ArrayList<>();
    includes().forEach(include -> files.add(include.host()));
    if (command.indexOf('/') >= 0) {
      try {
        RootSpec.Kind kind = named().orElse(RootSpec.Kind.HOST);
        if (kind == RootSpec.Kind.HOST) {
          files.add(Path.of(options.directory()).resolve(command));
        } else if (kind == RootSpec.Kind.INITRAMFS) {
          files.add(Path.of(command)); // from here it is put there
        }
      } catch (InvalidPathException e) {
        // No text in this locale: nothing that an option names, either.
      }
    }
    return files;
  }

  /** The root for a command of a kernel that can have the best one. */
  RootSpec spec(String command) {
    return spec(command, named().orElse(RootSpec.Kind.HOST));
  }

  private static RootSpec.Kind best(KernelShares kernel) {
    return kernel.canBeRoot() ? RootSpec.Kind.HOST : RootSpec.Kind.INITRAMFS;
  }

  private RootSpec spec(String command, RootSpec.Kind kind) {
    Optional<Path> source =
        switch (kind) {
          case HOST -> Optional.of(HOST_ROOT);
          case INITRAMFS -> Optional.empty();
          case DIRECTORY, IMAGE -> Optional.of(source());
        };
    return new RootSpec(
        kind,
        source,
        kind == RootSpec.Kind.INITRAMFS ? Optional.of(command) : Optional.empty(),
        options.directory(),
        options.hasOtherUser(),
        Optional.ofNullable(System.getenv("PATH")).orElse(USUAL_PATH),
        libraryPath(),
        includes(),
        options.modules(),
        shares(kind));
  }

  /** Those asked for; with the host's root this directory, too, unless its place is taken. */
  private List<RootSpec.Share> shares(RootSpec.Kind kind) {
    List<RootSpec.Share> shares = new ArrayList<>();
    for (ShareOption share : options.shares()) {
      shares.add(new RootSpec.Share(share.host(), share.guest(), share.readOnly()));
    }
    Path here = Path.of("").toAbsolutePath();
    boolean isTaken = shares.stream().anyMatch(share -> share.guest().equals(here.toString()));
    if (kind == RootSpec.Kind.HOST && canBeShared(here) && !isTaken) {
      shares.add(0, new RootSpec.Share(here, here.toString(), options.readOnly()));
    }
    return shares;
  }

  /** Nobody asked for it by name, so what can't be is left out. */
  private static boolean canBeShared(Path here) {
    boolean hasPlace =
        here.getNameCount() > 0
            && (here.startsWith(MEMORY) || NO_PLACES.stream().noneMatch(here::startsWith));
    return hasPlace && Files.isReadable(here) && Files.isExecutable(here);
  }

  /** The command's LD_LIBRARY_PATH, with its directories as seen from this one. */
  private String libraryPath() {
    return options
        .environment()
        .value("LD_LIBRARY_PATH")
        .filter(path -> !path.isEmpty())
        .map(
            path ->
                Arrays.stream(path.split("[:;]", -1))
                    .map(directory -> Path.of(directory).toAbsolutePath().toString())
                    .collect(Collectors.joining(":")))
        .orElse("");
  }

  private List<RootSpec.Include> includes() {
    List<RootSpec.Include> includes = new ArrayList<>();
    for (String text : options.includes()) {
      int colon = text.lastIndexOf(":/");
      includes.add(
          colon > 0
              ? new RootSpec.Include(Path.of(text.substring(0, colon)), text.substring(colon + 1))
              : new RootSpec.Include(Path.of(text), ""));
    }
    return includes;
  }
}
