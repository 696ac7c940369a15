// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A loadable module of a kernel.
 *
 * @param name as the kernel lists it, with underscores
 * @param path its file
 * @param depends the names of the modules that must be there before it, at least the direct ones
 * @param compression of its file
 * @param kernelRelease the release of the kernel that is to load it; empty if that is not known
 */
public record KernelModule(
    String name,
    Path path,
    List<String> depends,
    ModuleCompression compression,
    Optional<String> kernelRelease) {
  /** With debugging information the largest drivers have 200 MiB. */
  private static final int MAX_BYTES = 256 << 20;

  /** Takes a copy of the list. */
  public KernelModule {
    depends = List.copyOf(depends);
  }

  /**
   * The module in a file, whose name must end as that of a module does.
   *
   * @param kernelRelease of the kernel that is to load it
   * @throws MachineException with {@link Problem#MODULE_UNREADABLE} or {@link
   *     Problem#MODULE_DAMAGED}
   */
  public static KernelModule of(Path file, Optional<String> kernelRelease) {
    String name =
        nameOf(file.toString())
            .orElseThrow(() -> damaged(file, "has no name that ends in .ko", null));
    return new KernelModule(
        name, file, info(file).depends(), compressionOf(file.toString()), kernelRelease);
  }

  /** The name of the module in a file; empty if the file's name is not one of a module. */
  static Optional<String> nameOf(String file) {
    String last = file.substring(file.lastIndexOf('/') + 1);
    int end = last.length() - compressionOf(last).suffix().length();
    return end > 0 && last.indexOf(".ko") == end
        ? Optional.of(normalized(last.substring(0, end)))
        : Optional.empty();
  }

  /** A name as the kernel has it: with dashes and underscores the same. */
  static String normalized(String name) {
    return name.replace('-', '_');
  }

  static ModuleCompression compressionOf(String file) {
    for (ModuleCompression compression : ModuleCompression.values()) {
      if (file.endsWith(compression.suffix())) {
        return compression;
      }
    }
    return ModuleCompression.NONE;
  }

  /**
   * The module as the kernel takes it from init_module(2): an ELF file, unpacked, a signature
   * included.
   *
   * @throws MachineException with {@link Problem#MODULE_OTHER_KERNEL} if it was built for a kernel
   *     of another release, {@link Problem#MODULE_DAMAGED} if it is none or has more than 256 MiB,
   *     {@link Problem#MODULE_UNREADABLE}
   */
  public byte[] read() {
    byte[] elf;
    try (InputStream in = Files.newInputStream(path)) {
      elf = unpack(path, compression, in);
    } catch (IOException e) {
      throw unreadable(path, e);
    }
    String built =
        parse(path, new ModuleInfo.HeapBytes(elf))
            .release()
            .orElseThrow(() -> damaged(path, "does not say which kernel it is for", null));
    if (kernelRelease.isPresent() && !built.equals(kernelRelease.get())) {
      throw new MachineException(
          Problem.MODULE_OTHER_KERNEL,
          path.toString(),
          "module "
              + path
              + " is for kernel "
              + built
              + ", and the kernel is "
              + kernelRelease.get(),
          null);
    }
    return elf;
  }

  /**
   * The names under which the kernel asks for a module, as patterns for the names of devices.
   *
   * @param elf as {@link #read} gives it
   */
  public static List<String> aliases(byte[] elf) {
    try {
      return ModuleInfo.parse(new ModuleInfo.HeapBytes(elf)).aliases();
    } catch (IOException e) {
      return List.of(); // not reached: it was read by the same parser
    }
  }

  /** What the module in a file says of itself. */
  static ModuleInfo info(Path file) {
    ModuleCompression compression = compressionOf(file.toString());
    if (compression != ModuleCompression.NONE) {
      try (InputStream in = Files.newInputStream(file)) {
        return parse(file, new ModuleInfo.HeapBytes(unpack(file, compression, in)));
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
    try (FileChannel channel = FileChannel.open(file)) {
      return parse(file, new OpenFile(channel, channel.size()));
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** A decoder's own exceptions are about the file. */
  private static byte[] unpack(Path file, ModuleCompression compression, InputStream in) {
    try {
      return BoundedFiles.readAll(compression.unpack(in), MAX_BYTES, "it");
    } catch (IOException | RuntimeException e) {
      throw damaged(file, "can't be unpacked (" + e.getMessage() + ")", e);
    }
  }

  private static ModuleInfo parse(Path file, ModuleInfo.Bytes bytes) {
    try {
      return ModuleInfo.parse(bytes);
    } catch (IOException e) {
      throw damaged(file, e.getMessage(), e);
    }
  }

  private static MachineException damaged(Path file, String fact, Exception cause) {
    return new MachineException(
        Problem.MODULE_DAMAGED, file.toString(), "module " + file + " " + fact, cause);
  }

  private static MachineException unreadable(Path file, IOException e) {
    String facts = "module " + file + " can't be read (" + BoundedFiles.reason(e) + ")";
    return new MachineException(Problem.MODULE_UNREADABLE, file.toString(), facts, e);
  }

  /** A module's file, of which only the needed pieces are read. */
  private record OpenFile(FileChannel channel, long size) implements ModuleInfo.Bytes {
    @Override
    public byte[] read(long offset, int length) throws IOException {
      ByteBuffer piece = ByteBuffer.allocate(length);
      while (piece.hasRemaining()) {
        if (channel.read(piece, offset + piece.position()) < 0) {
          throw new EOFException("is truncated");
        }
      }
      return piece.array();
    }
  }
}
