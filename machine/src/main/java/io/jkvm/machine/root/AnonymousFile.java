// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/**
 * A file in memory, or of the temporary directory where there is too little shared memory, without
 * a name in any directory: it is gone with the process. It can be opened again by {@link #path}, in
 * this process only.
 *
 * <p>It has a name, which nobody can guess, for as long as it is empty. It is made and opened in
 * one step, for its user alone, so in a directory where others may write, too, nobody can put
 * another file or a link into its place.
 */
final class AnonymousFile implements AutoCloseable {
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final int BUFFER_BYTES = 1 << 20;

  private static final Set<StandardOpenOption> NEW =
      Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);

  private static final FileAttribute<Set<PosixFilePermission>> FOR_ITS_USER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

  private final FileChannel channel;
  private final Path path;

  private AnonymousFile(FileChannel channel, Path path) {
    this.channel = channel;
    this.path = path;
  }

  /** Fills it. */
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Makes one.
   *
   * @param size how many bytes it will have: containers have little shared memory
   */
  static AnonymousFile of(long size, Content content) throws IOException {
    boolean inMemory =
        Files.isWritable(SHARED_MEMORY)
            && Files.getFileStore(SHARED_MEMORY).getUsableSpace() > size;
    return in(inMemory ? SHARED_MEMORY : Path.of(System.getProperty("java.io.tmpdir")), content);
  }

  /** The same in a certain directory. */
  static AnonymousFile in(Path directory, Content content) throws IOException {
    Path named = directory.resolve("jkvm" + UUID.randomUUID() + ".cpio");
    FileChannel channel = FileChannel.open(named, NEW, FOR_ITS_USER);
    boolean complete = false;
    try {
      Path path = descriptorOf(named);
      Files.delete(named);
      OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER_BYTES);
      content.writeTo(out);
      out.flush();
      complete = true;
      return new AnonymousFile(channel, path);
    } finally {
      if (!complete) {
        channel.close();
        Files.deleteIfExists(named);
      }
    }
  }

  /** Java does not tell a channel's descriptor; its name is still unique here. */
  private static Path descriptorOf(Path named) throws IOException {
    Path real = named.toRealPath();
    try (DirectoryStream<Path> open = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path descriptor : open) {
        if (leadsTo(descriptor, real)) {
          return descriptor;
        }
      }
    }
    throw new IOException(named + " is not among the files in " + DESCRIPTORS);
  }

  private static boolean leadsTo(Path descriptor, Path file) {
    try {
      return Files.readSymbolicLink(descriptor).equals(file);
    } catch (IOException e) {
      return false; // closed meanwhile, or no link
    }
  }

  Path path() {
    return path;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was to be kept.
    }
  }
}
