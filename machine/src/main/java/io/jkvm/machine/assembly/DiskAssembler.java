// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.ReadOnlyBackend;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.virtio.block.RateLimit;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.DiskTuning;
import io.jkvm.machine.spec.DiskTuning.Cache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Opens the disks of a machine. */
final class DiskAssembler {
  private static final int SECTOR_BYTES = 512;

  private final String machine;
  private final int cpus;
  private final Host host;
  private final Consumer<String> progress;
  private final CloseStack resources;

  /**
   * For a machine.
   *
   * @param cpus a disk has no more queues
   */
  DiskAssembler(
      String machine, int cpus, Host host, Consumer<String> progress, CloseStack resources) {
    this.machine = machine;
    this.cpus = cpus;
    this.host = host;
    this.progress = progress;
    this.resources = resources;
  }

  List<VirtioBlock> open(List<DiskSpec> specs) throws IOException {
    List<VirtioBlock> disks = new ArrayList<>();
    if (specs.stream().anyMatch(spec -> spec.source() instanceof DiskSpec.Source.RawFile)) {
      sayEngine(host.diskEngines());
    }
    checkTwice(specs);
    for (DiskSpec spec : specs) {
      BlockBackend backend = backend(spec);
      String id = spec.id().isEmpty() ? defaultId(spec) : spec.id();
      List<DiskEngine> engines = engines(backend, id, spec.tuning());
      if (spec.tuning().cache() != Cache.UNSAFE) {
        resources.push(Layer.FLUSHES, new LastFlush(backend.name(), engines.get(0)));
      }
      DiskTuning tuning = spec.tuning();
      boolean writethrough = tuning.cache() == Cache.WRITETHROUGH;
      RateLimit limit = new RateLimit(tuning.iops(), tuning.bytesPerSecond());
      try {
        disks.add(new VirtioBlock(backend, id, engines, tuning.polling(), writethrough, limit));
      } catch (RuntimeException e) {
        throw Problems.backend(Problem.DISK_FAILED, "disk " + id, e);
      }
    }
    return disks;
  }

  /** By what they are: a file has as many names as there are links to it. */
  private static void checkTwice(List<DiskSpec> specs) {
    Map<Object, DiskSpec> images = new HashMap<>();
    for (DiskSpec spec : specs) {
      if (spec.source() instanceof DiskSpec.Source.RawFile file) {
        DiskSpec other = images.put(identity(file), spec);
        if (other != null && !(other.readOnly() && spec.readOnly())) {
          throw new MachineException(
              Problem.DISK_TWICE, file.path() + " is given as two disks, and the guest may write");
        }
      }
    }
  }

  private static Object identity(DiskSpec.Source.RawFile file) {
    try {
      return Files.readAttributes(file.opened(), BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      return file; // whoever opens it says why
    }
  }

  private void sayEngine(DiskEngines engines) {
    String reason = engines.reason();
    String name = engines.kind().label();
    progress.accept("disks work by " + name + (reason.isEmpty() ? "" : " (" + reason + ")"));
  }

  /** Pushed after their backend, so they are closed before. */
  private List<DiskEngine> engines(BlockBackend backend, String id, DiskTuning tuning)
      throws IOException {
    int queues = Math.min(tuning.queues(), cpus);
    if (queues < tuning.queues()) {
      progress.accept("disk " + id + " has " + queues + " queues: there are no more processors");
    }
    boolean ignoreFlushes = tuning.cache() == Cache.UNSAFE;
    List<DiskEngine> engines =
        host.diskEngines().open(backend, machine + "/" + id, queues, ignoreFlushes);
    engines.forEach(engine -> resources.push(Layer.DISKS, engine));
    boolean isLess = engines.stream().anyMatch(engine -> engine.kind() == Kind.THREADS);
    if (isLess && host.diskEngines().kind() == Kind.IO_URING) {
      progress.accept("disk " + id + " works by threads: the host has no room for another ring");
    }
    return engines;
  }

  private BlockBackend backend(DiskSpec spec) throws IOException {
    if (spec.source() instanceof DiskSpec.Source.RawFile file) {
      return image(file, spec.readOnly(), spec.tuning().direct());
    }
    DiskSpec.Source.Custom custom = (DiskSpec.Source.Custom) spec.source();
    try {
      BlockBackend backend = custom.factory().open();
      if (backend instanceof AutoCloseable closeable) {
        resources.push(Layer.DISKS, closeable); // before anything that may refuse it
      }
      BlockBackend whole = checked(backend);
      return spec.readOnly() && !whole.readOnly() ? new ReadOnlyBackend(whole) : whole;
    } catch (IOException | RuntimeException e) {
      throw Problems.backend(Problem.DISK_FAILED, "disk " + custom.name(), e);
    }
  }

  private RawImage image(DiskSpec.Source.RawFile file, boolean readOnly, boolean direct)
      throws IOException {
    String name = file.path().toString();
    RawImage image =
        resources.push(
            Layer.DISKS, RawImage.open(name, file.opened(), readOnly, file.anyContent(), direct));
    if (direct) {
      int unit = image.directBlockBytes();
      String where =
          image.isInMemory() ? "in memory anyway, as all of tmpfs" : "past the page cache";
      progress.accept("disk " + name + ": " + where + ", in units of " + unit + " bytes");
    }
    return image;
  }

  private static BlockBackend checked(BlockBackend backend) {
    int block = backend.logicalBlockBytes();
    long bytes = backend.capacityBytes();
    if (block < SECTOR_BYTES || Integer.bitCount(block) != 1) {
      throw new IllegalArgumentException("blocks of " + block + " bytes");
    }
    if (bytes <= 0 || bytes % SECTOR_BYTES != 0) {
      throw new IllegalArgumentException("a capacity of " + bytes + " bytes");
    }
    return backend;
  }

  /** Of what the guest wrote and never flushed itself. */
  private record LastFlush(String name, DiskEngine engine) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      try {
        engine.flush();
      } catch (IOException e) {
        throw new IOException(
            "disk "
                + name
                + ": the last flush failed, so what the guest wrote last may be lost: "
                + e.getMessage(),
            e);
      }
    }

    @Override
    public String toString() {
      return "the last flush of disk " + name;
    }
  }

  private static String defaultId(DiskSpec spec) {
    return spec.source() instanceof DiskSpec.Source.RawFile file
        ? VirtioBlock.defaultId(file.path())
        : ((DiskSpec.Source.Custom) spec.source()).name();
  }
}
