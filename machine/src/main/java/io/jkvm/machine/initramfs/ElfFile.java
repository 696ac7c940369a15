// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the loader of a program or a shared library has to know of it (System V ABI, chapters 4 and
 * 5). Files are not trusted: whatever they say, little memory is used, and the worst that comes of
 * it is an {@link IOException}.
 *
 * <p>Strings are the file's bytes, one char (0 to 255) for each.
 *
 * @param bits 32 or 64: the file's class
 * @param machine {@code e_machine}, such as {@link #X86_64}
 * @param interpreter the dynamic loader (PT_INTERP)
 * @param soname what it calls itself (DT_SONAME)
 * @param needed names of the libraries that it needs (DT_NEEDED), in order
 * @param rpath directories of DT_RPATH, tokens such as {@code $ORIGIN} as they are
 * @param runpath directories of DT_RUNPATH; where there are any, the loader ignores rpath
 */
public record ElfFile(
    int bits,
    int machine,
    Optional<String> interpreter,
    Optional<String> soname,
    List<String> needed,
    List<String> rpath,
    List<String> runpath) {
  /** EM_386. */
  public static final int I386 = 3;

  /** EM_X86_64. */
  public static final int X86_64 = 62;

  private static final int HEADER = 64;
  private static final int MAX_SEGMENTS = 1024;
  private static final int MAX_DYNAMIC = 4096;
  private static final int MAX_STRING = 4096;
  private static final int MAX_STRING_TABLE = 16 << 20;
  private static final int MAX_NOTES = 1 << 16;

  private static final int PT_LOAD = 1;
  private static final int PT_DYNAMIC = 2;
  private static final int PT_INTERP = 3;
  private static final int PT_NOTE = 4;
  private static final int DT_NEEDED = 1;
  private static final int DT_STRTAB = 5;
  private static final int DT_STRSZ = 10;
  private static final int DT_SONAME = 14;
  private static final int DT_RPATH = 15;
  private static final int DT_RUNPATH = 29;

  /**
   * Reads a file.
   *
   * @param file a regular file; opening another kind may wait for ever
   * @return nothing if it is not an ELF file
   * @throws IOException one line that names the file: it can't be read, or is a broken ELF file
   */
  public static Optional<ElfFile> read(Path file) throws IOException {
    return look(file, Reader::read);
  }

  /** A question to a file. */
  private interface Question<T> {
    T ask(Reader reader) throws IOException;
  }

  private static <T> Optional<T> look(Path file, Question<T> question) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      byte[] ident = new byte[HEADER];
      ByteBuffer header = ByteBuffer.wrap(ident);
      readAt(channel, 0, header);
      if (header.position() < 16
          || ident[0] != 0x7f
          || ident[1] != 'E'
          || ident[2] != 'L'
          || ident[3] != 'F') {
        return Optional.empty();
      }
      return Optional.of(question.ask(new Reader(channel, header)));
    } catch (Broken e) {
      throw new IOException(HostFiles.show(file) + " is a broken ELF file: " + e.getMessage(), e);
    } catch (IOException e) {
      throw HostFiles.failure(file, e);
    }
  }

  /**
   * Whether a dynamically linked file may use or define one of these functions or variables, by the
   * strings that its dynamic symbols have. A symbol whose name ends like one counts too, since the
   * linker lets such names share a string.
   *
   * @param file a regular file
   * @param names of symbols, one char for each byte
   * @return false also for a file that has no dynamic symbols
   * @throws IOException one line that names the file: it can't be read, or is a broken ELF file
   */
  public static boolean mentions(Path file, Set<String> names) throws IOException {
    return look(file, reader -> reader.mentions(names)).orElse(false);
  }

  /**
   * Whether a file was built by Go, whose programs make system calls without a library.
   *
   * @param file a regular file
   * @throws IOException one line that names the file: it can't be read, or is a broken ELF file
   */
  public static boolean isOfGo(Path file) throws IOException {
    return look(file, Reader::isOfGo).orElse(false);
  }

  private static void readAt(FileChannel channel, long offset, ByteBuffer into) throws IOException {
    long at = offset;
    while (into.hasRemaining()) {
      int count = channel.read(into, at);
      if (count < 0) {
        return;
      }
      at += count;
    }
  }

  /** A file that contradicts itself. */
  private static final class Broken extends IOException {
    private static final long serialVersionUID = 1;

    Broken(String what) {
      super(what);
    }
  }

  private record Segment(int type, long offset, long address, long fileSize) {}

  private static final class Reader {
    private final FileChannel channel;
    private final ByteBuffer header;
    private final ByteOrder order;
    private final boolean wide;

    Reader(FileChannel channel, ByteBuffer header) throws Broken {
      this.channel = channel;
      int elfClass = header.get(4);
      int data = header.get(5);
      if (elfClass != 1 && elfClass != 2 || data != 1 && data != 2) {
        throw new Broken("its class or byte order is unknown");
      }
      wide = elfClass == 2;
      order = data == 1 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
      if (header.position() < (wide ? 64 : 52)) {
        throw new Broken("its header is cut off");
      }
      this.header = header.flip().order(order);
    }

    ElfFile read() throws IOException {
      List<Segment> segments = segments();
      Optional<String> interpreter = Optional.empty();
      for (Segment segment : segments) {
        if (segment.type == PT_INTERP) {
          String name = string(segment.offset);
          interpreter = Optional.of(name).filter(text -> !text.isEmpty());
        }
      }
      Optional<String> soname = Optional.empty();
      List<String> needed = new ArrayList<>();
      List<String> rpath = List.of();
      List<String> runpath = List.of();
      List<long[]> dynamic = dynamic(segments);
      long strings = stringTable(segments, dynamic);
      for (long[] entry : dynamic) {
        long at = strings + entry[1];
        switch ((int) entry[0]) {
          case DT_NEEDED -> needed.add(name(at, entry));
          case DT_SONAME -> soname = Optional.of(name(at, entry));
          case DT_RPATH -> rpath = List.of(name(at, entry).split(":"));
          case DT_RUNPATH -> runpath = List.of(name(at, entry).split(":"));
          default -> {}
        }
      }
      return new ElfFile(
          wide ? 64 : 32,
          header.getShort(18) & 0xffff,
          interpreter,
          soname,
          List.copyOf(needed),
          rpath,
          runpath);
    }

    boolean mentions(Set<String> names) throws IOException {
      List<Segment> segments = segments();
      List<long[]> dynamic = dynamic(segments);
      long size = 0;
      for (long[] entry : dynamic) {
        size = entry[0] == DT_STRSZ ? entry[1] : size;
      }
      if (size < 0 || size > MAX_STRING_TABLE || size == 0 && !dynamic.isEmpty()) {
        throw new Broken("its string table has no sensible size");
      }
      byte[] table = block(stringTable(segments, dynamic), (int) size, "its string table").array();
      int from = 0;
      for (int at = 0; at < table.length; at++) {
        if (table[at] == 0) {
          String text = new String(table, from, at - from, StandardCharsets.ISO_8859_1);
          if (names.stream().anyMatch(text::endsWith)) {
            return true;
          }
          from = at + 1;
        }
      }
      return false;
    }

    /** A note is three words, a name and a description (System V ABI, chapter 5). */
    boolean isOfGo() throws IOException {
      for (Segment segment : segments()) {
        if (segment.type != PT_NOTE || segment.fileSize < 0 || segment.fileSize > MAX_NOTES) {
          continue;
        }
        ByteBuffer notes = block(segment.offset, (int) segment.fileSize, "its notes");
        while (notes.remaining() >= 16) {
          long name = notes.getInt() & 0xffff_ffffL;
          long description = notes.getInt() & 0xffff_ffffL;
          notes.getInt();
          if (name == 4
              && notes.get(notes.position()) == 'G'
              && notes.get(notes.position() + 1) == 'o') {
            return true;
          }
          long rest = padded(name) + padded(description);
          notes.position((int) Math.min(notes.position() + rest, notes.limit()));
        }
      }
      return false;
    }

    private static long padded(long size) {
      return size + 3 & ~3L;
    }

    private List<Segment> segments() throws IOException {
      long table = word(header, wide ? 32 : 28);
      int size = header.getShort(wide ? 54 : 42) & 0xffff;
      int count = header.getShort(wide ? 56 : 44) & 0xffff;
      if (count == 0) {
        return List.of();
      }
      if (count > MAX_SEGMENTS || size < (wide ? 56 : 32) || size > 256) {
        throw new Broken("its program headers have no sensible size");
      }
      ByteBuffer all = block(table, count * size, "its program headers");
      List<Segment> found = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int at = i * size;
        found.add(
            new Segment(
                all.getInt(at),
                word(all, at + (wide ? 8 : 4)),
                word(all, at + (wide ? 16 : 8)),
                word(all, at + (wide ? 32 : 16))));
      }
      return found;
    }

    private List<long[]> dynamic(List<Segment> segments) throws IOException {
      List<long[]> found = new ArrayList<>();
      int word = wide ? 8 : 4;
      for (Segment segment : segments) {
        if (segment.type != PT_DYNAMIC) {
          continue;
        }
        if (segment.fileSize < 0 || segment.fileSize > (long) MAX_DYNAMIC * 2 * word) {
          throw new Broken("its dynamic section has no sensible size");
        }
        ByteBuffer all = block(segment.offset, (int) segment.fileSize, "its dynamic section");
        for (int at = 0; at + 2 * word <= all.limit(); at += 2 * word) {
          long tag = word(all, at);
          if (tag == 0) {
            break;
          }
          if (tag == (int) tag) {
            found.add(new long[] {tag, word(all, at + word)});
          }
        }
      }
      return found;
    }

    /** The place of the string table in the file; its tag has an address. */
    private long stringTable(List<Segment> segments, List<long[]> dynamic) {
      for (long[] entry : dynamic) {
        for (Segment segment : segments) {
          long inside = entry[1] - segment.address;
          if (entry[0] == DT_STRTAB
              && segment.type == PT_LOAD
              && Long.compareUnsigned(inside, segment.fileSize) < 0) {
            return segment.offset + inside;
          }
        }
      }
      return -1;
    }

    private String name(long at, long[] entry) throws IOException {
      if (entry[1] < 0 || at < entry[1]) {
        throw new Broken("it has no string table");
      }
      String name = string(at);
      if (name.isEmpty() && entry[0] == DT_NEEDED) {
        throw new Broken("it needs a library without a name");
      }
      return name;
    }

    private String string(long offset) throws IOException {
      if (offset < 0) {
        throw new Broken("a string is outside of the file");
      }
      ByteBuffer bytes = ByteBuffer.allocate(MAX_STRING);
      readAt(channel, offset, bytes);
      byte[] array = bytes.array();
      for (int length = 0; length < bytes.position(); length++) {
        if (array[length] == 0) {
          return new String(array, 0, length, StandardCharsets.ISO_8859_1);
        }
      }
      throw new Broken("a string does not end");
    }

    private ByteBuffer block(long offset, int size, String what) throws IOException {
      ByteBuffer bytes = ByteBuffer.allocate(size);
      if (offset >= 0 && offset <= Long.MAX_VALUE - size) {
        readAt(channel, offset, bytes);
      }
      if (bytes.hasRemaining()) {
        throw new Broken(what + " is outside of the file");
      }
      return bytes.flip().order(order);
    }

    /** An address or size; a negative one is larger than a file can be. */
    private long word(ByteBuffer from, int at) {
      return wide ? from.getLong(at) : from.getInt(at) & 0xffff_ffffL;
    }
  }
}
