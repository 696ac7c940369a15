// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A Linux kernel for x86-64 in a file: a bzImage, or an uncompressed ELF (vmlinux).
 *
 * <p>Opening reads and checks headers only. An image holds no file open; what loads it reads the
 * file again and refuses one that became shorter in between. Immutable.
 */
public sealed interface KernelImage permits BzImage, ElfKernel {
  /** The file that the image came from, for messages. */
  Path path();

  /** Calls the visitor's method for this kind of kernel. */
  <T> T accept(Visitor<T> visitor) throws IOException;

  /** What somebody does with a kernel of either kind. */
  interface Visitor<T> {
    /** The kernel is a bzImage. */
    T bzImage(BzImage image) throws IOException;

    /** The kernel is an uncompressed ELF. */
    T elf(ElfKernel kernel) throws IOException;
  }

  /**
   * Recognises and checks a kernel file.
   *
   * @throws KernelFormatException if the file is missing, unreadable, or no kernel that this
   *     machine can run
   */
  static KernelImage open(Path path) throws KernelFormatException {
    try {
      if (Files.isDirectory(path)) {
        throw new KernelFormatException(path, Kind.DIRECTORY, "is a directory");
      }
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new KernelFormatException(path, Kind.NOT_A_FILE, "is not a regular file");
      }
      FileBytes file = new FileBytes(path);
      if (file.size() == 0) {
        throw new KernelFormatException(path, Kind.EMPTY, "is empty");
      }
      ByteBuffer head = file.bytes(0, (int) Math.min(file.size(), FileKind.HEAD_BYTES));
      FileKind kind = FileKind.of(head);
      return switch (kind) {
        case BZIMAGE -> new BzImage(file, SetupHeader.parse(path, head, file.size()));
        case ELF -> ElfKernel.parse(path, file);
        default -> throw kind.refusal(path, head);
      };
    } catch (KernelFormatException e) {
      throw e;
    } catch (NoSuchFileException e) {
      throw new KernelFormatException(path, Kind.ABSENT, "does not exist", e);
    } catch (AccessDeniedException e) {
      throw new KernelFormatException(path, Kind.FORBIDDEN, "can't be read (permission denied)", e);
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path, e);
    }
  }
}
