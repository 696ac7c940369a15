// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

import io.jkvm.machine.root.RootSpec;
import java.nio.file.Files;
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

  private final GuestOptions options;

  RootOptions(GuestOptions options) {
    this.options = options;
  }

  /** The image that is the root, if one is. */
  Optional<Path> image() {
    return kind() == RootSpec.Kind.IMAGE ? Optional.of(Path.of(options.root())) : Optional.empty();
  }

  private RootSpec.Kind kind() {
    if (options.rootIsInitramfs()) {
      return RootSpec.Kind.INITRAMFS;
    }
    return Files.isDirectory(Path.of(options.root()))
        ? RootSpec.Kind.DIRECTORY
        : RootSpec.Kind.IMAGE;
  }

  /**
   * The root for a command.
   *
   * @param command its name
   */
  RootSpec spec(String command) {
    RootSpec.Kind kind = kind();
    return new RootSpec(
        kind,
        kind == RootSpec.Kind.INITRAMFS ? Optional.empty() : Optional.of(Path.of(options.root())),
        kind == RootSpec.Kind.INITRAMFS ? Optional.of(command) : Optional.empty(),
        options.directory(),
        options.hasOtherUser(),
        Optional.ofNullable(System.getenv("PATH")).orElse(USUAL_PATH),
        libraryPath(),
        includes(),
        options.modules());
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
