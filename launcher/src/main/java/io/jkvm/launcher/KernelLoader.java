// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.firmware.boot.BiosBoot;
import io.jkvm.firmware.boot.BootConfig;
import io.jkvm.firmware.boot.BootState;
import io.jkvm.firmware.boot.BzImageBoot;
import io.jkvm.firmware.boot.DirectBoot;
import io.jkvm.firmware.boot.PvhBoot;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelImage;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Chooses how a kernel file is booted. */
final class KernelLoader {
  private final KernelImage kernel;
  private final BootMode mode;
  private final FutureTask<ElfKernel> unpacking;

  private KernelLoader(KernelImage kernel, BootMode mode) {
    this.kernel = kernel;
    this.mode = mode;
    this.unpacking = new FutureTask<>(() -> ((BzImage) kernel).unpack());
    if (kernel instanceof BzImage && (mode == BootMode.DIRECT || mode == BootMode.PVH)) {
      // Takes as long as making the VM does, and needs nothing of it.
      Thread thread = new Thread(unpacking, "unpack-kernel");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** Opens the kernel and settles the way, so that a bad file is refused before there is a VM. */
  static KernelLoader open(VmConfig config, Reporter reporter) throws IOException {
    KernelImage kernel = KernelImage.open(config.kernel());
    BootMode mode = config.bootMode();
    if (kernel instanceof ElfKernel elf) {
      mode = modeOf(elf, mode, reporter);
    }
    if (kernel instanceof BzImage image
        && mode == BootMode.DIRECT
        && !image.payloadFormat().known()) {
      reporter.note(
          "the kernel is packed in a way not known here ("
              + image.payloadFormat()
              + "); it unpacks itself, as with --boot=bzimage");
      mode = BootMode.BZIMAGE;
    }
    return new KernelLoader(kernel, mode);
  }

  private static BootMode modeOf(ElfKernel kernel, BootMode mode, Reporter reporter)
      throws IOException {
    if (mode == BootMode.BZIMAGE || mode == BootMode.BIOS) {
      throw new IOException(
          kernel.path()
              + " is an uncompressed ELF kernel, which has no setup code; boot it with"
              + " --boot=direct or give the bzImage");
    }
    if (mode == BootMode.PVH) {
      PvhBoot.entryAddress(kernel);
    } else if (kernel.entryAddress().isEmpty()) {
      reporter.note("the kernel has no 64-bit entry; it is entered as with --boot=pvh");
      return BootMode.PVH;
    }
    return mode;
  }

  BootState load(BootConfig config) throws IOException {
    if (kernel instanceof ElfKernel elf) {
      return mode == BootMode.PVH ? PvhBoot.load(config, elf) : DirectBoot.load(config, elf);
    }
    BzImage image = (BzImage) kernel;
    return switch (mode) {
      case DIRECT -> DirectBoot.load(config, image, unpacked());
      case BZIMAGE -> BzImageBoot.load(config, image);
      case PVH -> PvhBoot.load(config, image, unpacked());
      case BIOS -> BiosBoot.load(config, image);
    };
  }

  private ElfKernel unpacked() throws IOException {
    try {
      return unpacking.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      throw new IllegalStateException("unpacking the kernel", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the kernel was unpacked");
    }
  }
}
