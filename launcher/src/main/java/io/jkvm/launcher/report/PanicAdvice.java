// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What may be wrong with the options when a guest's kernel panics for want of a root. */
final class PanicAdvice {
  private static final String NO_ROOT = "Unable to mount root fs";

  /** How the kernel writes that it found no device, whatever root= says. */
  private static final String NO_DEVICE = "unknown-block(0,0)";

  private PanicAdvice() {}

  /**
   * What to do, if it can be told.
   *
   * @param message the kernel's, as it follows "Kernel panic - not syncing"
   */
  static Optional<String> of(String message, MachineSpec spec) {
    boolean isOverNetwork = message.contains("via NFS") || message.contains("via SMB");
    if (!message.contains(NO_ROOT) || isOverNetwork || spec.commandLine().contains("rdinit=")) {
      return Optional.empty();
    }
    boolean hasDisk = !spec.disks().isEmpty();
    if (!hasDisk && spec.initrds().isEmpty()) {
      return Optional.of(
          "it has no root file system: give it one with --disk or --initrd"
              + initrdBeside(spec.kernel()).map(file -> ", as in --initrd " + file).orElse(""));
    }
    if (!hasDisk) {
      return Optional.of(
          "the initrd has no /init that the kernel can run; check it, or add --disk");
    }
    return Optional.of(
        message.contains(NO_DEVICE)
            ? "no disk of it is what root= says (the first is /dev/vda); check that, or give the"
                + " kernel's --initrd if its drivers are modules"
            : "the kernel knows no file system there; check root= and the disk");
  }

  /** A file that by its name is made to go with the kernel. */
  private static Optional<Path> initrdBeside(Path kernel) {
    String release = kernel.getFileName().toString().replaceFirst("^vmlinuz-", "");
    return Stream.concat(
            List.of("initramfs.cpio", "initramfs.cpio.gz", "initramfs.img", "initrd.img").stream(),
            Stream.of("initrd.img-" + release, "initramfs-" + release + ".img"))
        .map(kernel::resolveSibling)
        .filter(Files::isRegularFile)
        .findFirst();
  }
}
