// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.firmware.cpu.BootState;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelImage;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;

/** Chooses how a kernel file is booted. */
public final class BootPlan {
  private final KernelImage kernel;
  private final BootMode mode;
  private final FutureTask<ElfKernel> unpacking;

  private BootPlan(KernelImage kernel, BootMode mode) {
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
  public static BootPlan open(Path file, BootMode wanted, Consumer<String> notes)
      throws IOException {
    KernelImage kernel = KernelImage.open(file);
    BootMode mode = wanted;
    if (kernel instanceof ElfKernel elf) {
      mode = modeOf(elf, mode, notes);
    }
    if (kernel instanceof BzImage image
        && mode == BootMode.DIRECT
        && !image.payloadFormat().known()) {
      notes.accept(
          "the kernel is packed in a way not known here ("
              + image.payloadFormat()
              + "); it unpacks itself, as with --boot=bzimage");
      mode = BootMode.BZIMAGE;
    }
    return new BootPlan(kernel, mode);
  }

  private static BootMode modeOf(ElfKernel kernel, BootMode mode, Consumer<String> notes)
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
      notes.accept("the kernel has no 64-bit entry; it is entered as with --boot=pvh");
      return BootMode.PVH;
    }
    return mode;
  }

  public BootState load(BootConfig config) throws IOException {
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
