// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

/**
 * A disk.
 *
 * @param source where its bytes are
 * @param readOnly true if the guest must not write
 * @param id what the guest reads as the serial number, 1 to 20 printable ASCII characters without
 *     spaces, or empty for the file's name
 * @param tuning how it works
 */
public record DiskSpec(Source source, boolean readOnly, String id, DiskTuning tuning) {
  private static final int MAX_ID_BYTES = 20;

  /** Where a disk's bytes are. */
  public sealed interface Source {
    /**
     * A raw image, or a block device of the host.
     *
     * @param path its name
     * @param opened by which it is opened, if that is not its name
     * @param anyContent true to take it for raw also where it begins as an image of another format
     *     does
     */
    record RawFile(Path path, Path opened, boolean anyContent) implements Source {
      /**
       * Checks that it is whole.
       *
       * @throws MachineException with {@link Problem#INCOMPLETE}
       */
      public RawFile {
        SpecChecks.whole(path, "the image of a disk");
        SpecChecks.whole(opened, "the image of a disk");
      }

      /** One that is opened by its name. */
      public RawFile(Path path, boolean anyContent) {
        this(path, path, anyContent);
      }
    }

    /** A backend of the user's own; a new one is opened for each machine, and flushed with it. */
    record Custom(String name, BackendFactory factory) implements Source {
      /**
       * Checks that it is whole.
       *
       * @throws MachineException with {@link Problem#INCOMPLETE}
       */
      public Custom {
        SpecChecks.whole(name, "the name of a disk of one's own");
        SpecChecks.whole(factory, "what opens a disk of one's own");
      }
    }
  }

  /** Opens a block backend; one that is {@link AutoCloseable} is closed with its machine. */
  @FunctionalInterface
  public interface BackendFactory {
    /** A new backend; the machine is not made if this fails. */
    BlockBackend open() throws IOException;
  }

  /**
   * Checks that it is whole.
   *
   * @throws MachineException with {@link Problem#DISK_ID} or {@link Problem#DISK}
   */
  public DiskSpec {
    if (source == null || id == null || tuning == null) {
      throw new MachineException(Problem.DISK, "a disk with a part that is null");
    }
    if (source instanceof Source.Custom && tuning.direct()) {
      throw new MachineException(
          Problem.DISK, "a disk of one's own has no direct I/O: only images and devices do");
    }
    if (id.length() > MAX_ID_BYTES || !id.matches("[\\x21-\\x7e]*")) {
      throw new MachineException(
          Problem.DISK_ID,
          "disk id '" + id + "' is not 1 to " + MAX_ID_BYTES + " printable ASCII characters");
    }
  }

  /** A disk that works as disks do. */
  public DiskSpec(Source source, boolean readOnly, String id) {
    this(source, readOnly, id, DiskTuning.DEFAULT);
  }

  /** A writable raw image or block device. */
  public static DiskSpec raw(Path image) {
    return new DiskSpec(new Source.RawFile(image, false), false, "");
  }

  /**
   * The same, raw whatever it begins with; {@link #raw} refuses what looks like an image of another
   * format or a compressed file, which a guest would destroy.
   */
  public static DiskSpec rawOfAnyContent(Path image) {
    return new DiskSpec(new Source.RawFile(image, true), false, "");
  }

  /** A disk on a backend of the user's own. */
  public static DiskSpec custom(String name, BackendFactory factory) {
    return new DiskSpec(new Source.Custom(name, factory), false, "");
  }

  /** The same, but the guest can't write. */
  public DiskSpec asReadOnly() {
    return new DiskSpec(source, true, id, tuning);
  }

  /** The same, whose image is opened by another path than its name. */
  DiskSpec openedBy(UnaryOperator<Path> path) {
    return source instanceof Source.RawFile file
        ? new DiskSpec(
            new Source.RawFile(file.path(), path.apply(file.path()), file.anyContent()),
            readOnly,
            id,
            tuning)
        : this;
  }

  /** The same with another serial number. */
  public DiskSpec withId(String newId) {
    return new DiskSpec(source, readOnly, newId, tuning);
  }

  /** The same, but it works in another way. */
  public DiskSpec withTuning(DiskTuning newTuning) {
    return new DiskSpec(source, readOnly, id, newTuning);
  }
}
