// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a module says of itself in its section {@code .modinfo}: texts of the form {@code
 * key=value}, a key as often as it likes.
 *
 * @param entries the texts, in the order of the file
 */
record ModuleInfo(List<String> entries) {
  private static final int HEADER_BYTES = 64;
  private static final int SECTION_BYTES = 64;
  private static final int ET_REL = 1;
  private static final int SHN_XINDEX = 0xFFFF;

  /** The section of a driver with a thousand aliases has 100 KiB. */
  private static final int MAX_INFO_BYTES = 4 << 20;

  private static final int MAX_NAMES_BYTES = 16 << 20;
  private static final int MAX_SECTIONS = 1 << 18;

  /** Random access to the file of a module. */
  interface Bytes {
    /** The length in bytes. */
    long size();

    /** Reads a piece that lies wholly inside. */
    byte[] read(long offset, int length) throws IOException;
  }

  /** The bytes of a module that was unpacked. */
  record HeapBytes(byte[] file) implements Bytes {
    @Override
    public long size() {
      return file.length;
    }

    @Override
    public byte[] read(long offset, int length) {
      return Arrays.copyOfRange(file, (int) offset, (int) offset + length);
    }
  }

  ModuleInfo {
    entries = List.copyOf(entries);
  }

  /**
   * Parses the file of a module.
   *
   * @throws IOException if it is none, with a message that continues "it": "is no ELF"
   */
  static ModuleInfo parse(Bytes file) throws IOException {
    ByteBuffer header = piece(file, 0, HEADER_BYTES, "header");
    if (header.getInt(0) != 0x464C457F) {
      throw new IOException("is no ELF");
    }
    if (header.get(4) != 2 || header.get(5) != 1 || u16(header, 16) != ET_REL) {
      throw new IOException("is an ELF, but no 64-bit module");
    }
    long table = header.getLong(40);
    int entryBytes = u16(header, 58);
    long count = u16(header, 60);
    long names = u16(header, 62);
    if (entryBytes != SECTION_BYTES || table == 0) {
      throw new IOException("has no sections");
    }
    if (count == 0 || names == SHN_XINDEX) {
      ByteBuffer first = piece(file, table, SECTION_BYTES, "sections");
      count = count == 0 ? first.getLong(32) : count;
      names = names == SHN_XINDEX ? first.getInt(40) & 0xFFFFFFFFL : names;
    }
    if (count <= 0 || count > MAX_SECTIONS || names >= count) {
      throw new IOException("has damaged sections");
    }
    ByteBuffer sections = piece(file, table, count * SECTION_BYTES, "sections");
    ByteBuffer texts = section(file, sections, (int) names, MAX_NAMES_BYTES);
    for (int i = 0; i < count; i++) {
      long name = sections.getInt(i * SECTION_BYTES) & 0xFFFFFFFFL;
      if (isModinfo(texts, name)) {
        return new ModuleInfo(texts(section(file, sections, i, MAX_INFO_BYTES)));
      }
    }
    throw new IOException("has no section .modinfo");
  }

  private static ByteBuffer section(Bytes file, ByteBuffer sections, int index, int maxBytes)
      throws IOException {
    int at = index * SECTION_BYTES;
    long length = sections.getLong(at + 32);
    if (length < 0 || length > maxBytes) {
      throw new IOException("has a section of " + Long.toUnsignedString(length) + " bytes");
    }
    return piece(file, sections.getLong(at + 24), length, "section " + index);
  }

  private static ByteBuffer piece(Bytes file, long offset, long length, String what)
      throws IOException {
    if (offset < 0 || length > file.size() || offset > file.size() - length) {
      throw new IOException("is truncated (its " + what + " is beyond the end)");
    }
    return ByteBuffer.wrap(file.read(offset, (int) length)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static boolean isModinfo(ByteBuffer texts, long at) {
    byte[] wanted = ".modinfo\0".getBytes(StandardCharsets.US_ASCII);
    if (at > texts.limit() - wanted.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if (texts.get((int) at + i) != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  private static List<String> texts(ByteBuffer section) {
    List<String> texts = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= section.limit(); i++) {
      if (i == section.limit() || section.get(i) == 0) {
        if (i > start) {
          texts.add(new String(section.array(), start, i - start, StandardCharsets.UTF_8));
        }
        start = i + 1;
      }
    }
    return texts;
  }

  private static int u16(ByteBuffer bytes, int offset) {
    return bytes.getShort(offset) & 0xFFFF;
  }

  /** All values of a key. */
  Stream<String> values(String key) {
    return entries.stream()
        .filter(entry -> entry.startsWith(key + "="))
        .map(entry -> entry.substring(key.length() + 1));
  }

  /** The modules whose symbols it uses. */
  List<String> depends() {
    return values("depends").flatMap(ModuleInfo::words).toList();
  }

  /** The modules, or aliases of some, that should be there before it. */
  List<String> softDepends() {
    return values("softdep").flatMap(text -> before(text).stream()).toList();
  }

  /** Its aliases, with underscores for dashes as depmod has them, but for those in brackets. */
  List<String> aliases() {
    return values("alias").map(ModuleInfo::withUnderscores).toList();
  }

  private static String withUnderscores(String alias) {
    StringBuilder text = new StringBuilder(alias);
    boolean inBrackets = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      inBrackets = c == '[' || inBrackets && c != ']';
      if (c == '-' && !inBrackets) {
        text.setCharAt(i, '_');
      }
    }
    return text.toString();
  }

  /** The names after "pre:" in a soft dependency, up to "post:"; modprobe reads no others. */
  static List<String> before(String text) {
    List<String> names = new ArrayList<>();
    boolean wanted = false;
    for (String word : text.strip().split("\\s+")) {
      if (word.equals("pre:") || word.equals("post:")) {
        wanted = word.equals("pre:");
      } else if (wanted && !word.isEmpty()) {
        names.add(word);
      }
    }
    return names;
  }

  private static Stream<String> words(String text) {
    return Stream.of(text.split(",")).map(String::strip).filter(word -> !word.isEmpty());
  }

  /** The release of the kernel that it was built for: the first word of {@code vermagic}. */
  Optional<String> release() {
    return values("vermagic").findFirst().map(text -> text.split(" ", 2)[0]);
  }
}
