// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
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

  /**
   * Recognises and checks a kernel file.
   *
   * @throws KernelFormatException if the file is missing, unreadable, or no kernel that this
   *     machine can run
   */
  static KernelImage open(Path path) throws KernelFormatException {
    try {
      if (Files.isDirectory(path)) {
        throw new KernelFormatException(
            path, "is a directory: name the bzImage or vmlinux file in it");
      }
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new KernelFormatException(
            path, "is not a regular file: copy the kernel to a file and name that");
      }
      FileBytes file = new FileBytes(path);
      if (file.size() == 0) {
        throw new KernelFormatException(path, "is empty: build or copy the kernel again");
      }
      ByteBuffer head = file.bytes(0, (int) Math.min(file.size(), FileKind.HEAD_BYTES));
      FileKind kind = FileKind.of(head);
      return switch (kind) {
        case BZIMAGE -> new BzImage(file, SetupHeader.parse(path, head, file.size()));
        case ELF -> ElfKernel.parse(path, file);
        default -> throw new KernelFormatException(path, kind.problem(head));
      };
    } catch (KernelFormatException e) {
      throw e;
    } catch (NoSuchFileException e) {
      throw new KernelFormatException(path, "does not exist: check the name given to --kernel", e);
    } catch (java.nio.file.AccessDeniedException e) {
      throw new KernelFormatException(
          path, "can't be read (permission denied): make it readable with chmod a+r", e);
    } catch (IOException e) {
      throw new KernelFormatException(
          path, "can't be read (" + e.getMessage() + "): check the file and its disk", e);
    }
  }
}
