// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.firmware.cpu.BootState;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.ElfKernel;
import io.jkvm.firmware.kernel.KernelImage;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * How a kernel file is booted. The plan is made before there is a machine, so that a bad file is
 * refused at once; a kernel that the host unpacks is unpacked meanwhile, which takes as long as
 * making the machine does and needs nothing of it.
 */
public final class BootPlan {
  private final BootMode mode;
  private final List<BootNote> notes;
  private final Loading loading;

  /** One way of getting one kernel into RAM. */
  private interface Loading {
    BootState load(BootConfig config) throws IOException;
  }

  private BootPlan(BootMode mode, List<BootNote> notes, Loading loading) {
    this.mode = mode;
    this.notes = notes;
    this.loading = loading;
  }

  /**
   * Opens a kernel and chooses its way.
   *
   * @param wanted the way that is taken unless the kernel lacks what it needs
   * @param machine the machine's name, for the thread that unpacks
   * @throws io.jkvm.firmware.kernel.KernelFormatException if the file is no kernel for this machine
   * @throws BootException if the kernel can be booted, but neither in the wanted way nor in one
   *     that comes close to it
   */
  public static BootPlan open(Path kernel, BootMode wanted, String machine) throws IOException {
    return KernelImage.open(kernel).accept(new Chooser(wanted, machine));
  }

  /** The way that was chosen. */
  public BootMode mode() {
    return mode;
  }

  /** Why it is not the wanted way; empty if it is. */
  public List<BootNote> notes() {
    return notes;
  }

  /**
   * Loads the kernel and all that it is told into fresh RAM. Waits for the unpacking.
   *
   * @return how the first vCPU starts
   * @throws BootException if something does not fit or an initrd can't be read
   * @throws io.jkvm.firmware.kernel.KernelFormatException if the payload is damaged, or the file
   *     changed since it was opened
   * @throws InterruptedIOException if this thread is interrupted
   */
  public BootState load(BootConfig config) throws IOException {
    return loading.load(config);
  }

  /** Both kinds of kernel, and every way that each can take. */
  private record Chooser(BootMode wanted, String machine) implements KernelImage.Visitor<BootPlan> {
    @Override
    public BootPlan elf(ElfKernel kernel) throws BootException {
      Loading direct = config -> DirectBoot.load(config, UnpackedKernel.of(kernel));
      Loading pvh = config -> PvhBoot.load(config, UnpackedKernel.of(kernel));
      switch (wanted) {
        case DIRECT:
          return kernel.entryAddress().isPresent()
              ? new BootPlan(BootMode.DIRECT, List.of(), direct)
              : new BootPlan(BootMode.PVH, List.of(BootNote.PVH_ENTRY_ONLY), pvh);
        case PVH:
          PvhBoot.entryAddress(kernel);
          return new BootPlan(BootMode.PVH, List.of(), pvh);
        default:
          throw new BootException(
              BootException.Kind.NO_SETUP_CODE,
              "kernel "
                  + kernel.path()
                  + " is an uncompressed ELF kernel, which has no setup code");
      }
    }

    @Override
    public BootPlan bzImage(BzImage image) {
      boolean has64BitEntry = image.header().has64BitEntry();
      return switch (wanted) {
        case DIRECT -> {
          if (image.header().saysIfItHas64BitEntry() && !has64BitEntry) {
            yield biosPlan(image, List.of(BootNote.NO_64_BIT_ENTRY));
          }
          if (!image.payloadFormat().known()) {
            yield has64BitEntry
                ? selfUnpackingPlan(image, List.of(BootNote.PAYLOAD_UNKNOWN))
                : biosPlan(image, List.of(BootNote.PAYLOAD_UNKNOWN, BootNote.NO_64_BIT_ENTRY));
          }
          FutureTask<ElfKernel> elf = unpack(image);
          yield new BootPlan(
              BootMode.DIRECT,
              List.of(),
              config -> DirectBoot.load(config, UnpackedKernel.of(image, await(elf))));
        }
        case PVH -> {
          FutureTask<ElfKernel> elf = unpack(image);
          yield new BootPlan(
              BootMode.PVH,
              List.of(),
              config -> PvhBoot.load(config, UnpackedKernel.of(image, await(elf))));
        }
        case BZIMAGE ->
            has64BitEntry
                ? selfUnpackingPlan(image, List.of())
                : biosPlan(image, List.of(BootNote.NO_64_BIT_ENTRY));
        case BIOS -> biosPlan(image, List.of());
      };
    }

    private static BootPlan selfUnpackingPlan(BzImage image, List<BootNote> notes) {
      return new BootPlan(BootMode.BZIMAGE, notes, config -> BzImageBoot.load(config, image));
    }

    private static BootPlan biosPlan(BzImage image, List<BootNote> notes) {
      return new BootPlan(BootMode.BIOS, notes, config -> BiosBoot.load(config, image));
    }

    private FutureTask<ElfKernel> unpack(BzImage image) {
      FutureTask<ElfKernel> unpacking = new FutureTask<>(image::unpack);
      new WorkerThread(machine + "/unpack", unpacking).start();
      return unpacking;
    }
  }

  private static ElfKernel await(FutureTask<ElfKernel> unpacking) throws IOException {
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
