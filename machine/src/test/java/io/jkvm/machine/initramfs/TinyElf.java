// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** Makes ELF files that have nothing but what a loader looks for. */
final class TinyElf {
  private static final int PHDRS = 64;
  private static final int BODY = PHDRS + 3 * 56;

  private String interpreter = "";
  private final List<String> strings = new ArrayList<>(List.of(""));
  private final List<long[]> dynamic = new ArrayList<>();
  private int machine = ElfFile.X86_64;

  TinyElf interpreter(String path) {
    interpreter = path;
    return this;
  }

  TinyElf machine(int number) {
    machine = number;
    return this;
  }

  TinyElf needs(String... names) {
    for (String name : names) {
      dynamic(1, name);
    }
    return this;
  }

  TinyElf rpath(String path) {
    return dynamic(15, path);
  }

  TinyElf runpath(String path) {
    return dynamic(29, path);
  }

  private TinyElf dynamic(int tag, String text) {
    long offset = strings.stream().mapToLong(s -> s.length() + 1).sum();
    strings.add(text);
    dynamic.add(new long[] {tag, offset});
    return this;
  }

  byte[] bytes() {
    byte[] names = (String.join("\0", strings) + "\0").getBytes(StandardCharsets.ISO_8859_1);
    byte[] loader = (interpreter + "\0").getBytes(StandardCharsets.ISO_8859_1);
    int table = BODY + loader.length;
    int dyn = table + names.length + 7 & -8;
    int dynSize = 16 * (dynamic.size() + 3);
    ByteBuffer elf = ByteBuffer.allocate(dyn + dynSize).order(ByteOrder.LITTLE_ENDIAN);
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
    elf.putShort(16, (short) 3).putShort(18, (short) machine).putInt(20, 1);
    elf.putLong(32, PHDRS).putShort(54, (short) 56).putShort(56, (short) 3);
    // The addresses are not the offsets: the string table's has to be translated.
    long base = 0x400000;
    segment(elf, 0, 1, 0, base, elf.capacity());
    segment(elf, 1, 2, dyn, base + dyn, dynSize);
    segment(elf, 2, interpreter.isEmpty() ? 0 : 3, BODY, base + BODY, loader.length);
    elf.position(BODY).put(loader).put(names).position(dyn);
    elf.putLong(5).putLong(base + table).putLong(10).putLong(names.length);
    for (long[] entry : dynamic) {
      elf.putLong(entry[0]).putLong(entry[1]);
    }
    return elf.array();
  }

  private static void segment(ByteBuffer elf, int i, int type, long at, long address, long size) {
    int header = PHDRS + i * 56;
    elf.putInt(header, type).putLong(header + 8, at).putLong(header + 16, address);
    elf.putLong(header + 32, size);
  }

  /** Writes it as an executable file, with the directories above it. */
  Path write(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, bytes());
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }
}
