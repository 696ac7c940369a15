// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ElfFileTest {
  @TempDir Path dir;

  private Optional<ElfFile> read(byte[] content) throws IOException {
    return ElfFile.read(Files.write(dir.resolve("f"), content));
  }

  @Test
  void aProgramOfTheHost() throws IOException {
    ElfFile elf = ElfFile.read(Path.of("/proc/self/exe")).orElseThrow();
    assertEquals(64, elf.bits());
    assertEquals(ElfFile.X86_64, elf.machine());
    assertTrue(elf.interpreter().orElseThrow().contains("ld-"), elf.toString());
    assertTrue(elf.needed().stream().anyMatch(name -> name.startsWith("libc.")), elf.toString());
  }

  @Test
  void allThatALoaderAsksFor() throws IOException {
    byte[] file =
        new TinyElf()
            .interpreter("/lib64/ld")
            .needs("libb.so.2", "liba\u00e9.so")
            .rpath("/r:$ORIGIN")
            .runpath("$ORIGIN/../lib:/x")
            .bytes();
    ElfFile elf = read(file).orElseThrow();
    assertEquals(Optional.of("/lib64/ld"), elf.interpreter());
    assertEquals(List.of("libb.so.2", "liba\u00e9.so"), elf.needed());
    assertEquals(List.of("/r", "$ORIGIN"), elf.rpath());
    assertEquals(List.of("$ORIGIN/../lib", "/x"), elf.runpath());
  }

  @Test
  void namesAreFoundAlsoAsTheEndOfOthers() throws IOException {
    byte[] file = new TinyElf().interpreter("/lib64/ld").needs("a_system", "execve").bytes();
    Path elf = Files.write(dir.resolve("f"), file);
    assertTrue(ElfFile.mentions(elf, Set.of("popen", "execve")));
    assertTrue(ElfFile.mentions(elf, Set.of("system")));
    assertFalse(ElfFile.mentions(elf, Set.of("popen", "exec")));
    assertFalse(ElfFile.mentions(Files.writeString(dir.resolve("t"), "execve"), Set.of("execve")));
  }

  @Test
  void goLeavesANote() throws IOException {
    String other = "\u0004\0\0\0\u0005\0\0\0\u0001\0\0\0GNU\0hello\0\0\0";
    String go = "\u0004\0\0\0\u0004\0\0\0\u0004\0\0\0Go\0\0hash";
    for (String notes : List.of(other, other + go, go)) {
      byte[] file = new TinyElf().interpreter(notes).needs("libc.so.6").bytes();
      file[64 + 2 * 56] = 4; // PT_NOTE in place of PT_INTERP
      assertEquals(notes.contains("Go"), ElfFile.isOfGo(Files.write(dir.resolve("f"), file)));
    }
  }

  @Test
  void otherFilesAreNone() throws IOException {
    for (String text : List.of("", "\u007fELF", "#!/bin/sh\n", "x".repeat(1000))) {
      assertEquals(Optional.empty(), read(text.getBytes()), text);
    }
  }

  @Test
  void aFileThatIsCutOffIsAnErrorOrNone() throws IOException {
    byte[] whole = new TinyElf().interpreter("/ld").needs("liba").runpath("/x").bytes();
    for (int length = 0; length < whole.length - 16; length++) {
      byte[] part = Arrays.copyOf(whole, length);
      if (length < 16) {
        assertEquals(Optional.empty(), read(part));
      } else {
        IOException e = assertThrows(IOException.class, () -> read(part), "length " + length);
        assertTrue(e.getMessage().startsWith(dir + "/f is a broken ELF file: "), e.getMessage());
      }
    }
  }

  /** Nothing but an IOException comes out, whatever is in the file. */
  @Test
  void spoiltFiles() throws IOException {
    byte[] whole = new TinyElf().interpreter("/ld").needs("liba", "libb").runpath("/x").bytes();
    Random random = new Random(12);
    int errors = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] spoilt = whole.clone();
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = 4 + random.nextInt(whole.length - 4);
        spoilt[at] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(3) - 1);
      }
      try {
        read(spoilt);
      } catch (IOException e) {
        errors++;
      }
    }
    assertTrue(errors > 300, errors + " errors");
  }

  @Test
  void hugeNumbersTakeNoMemory() throws IOException {
    byte[] whole = new TinyElf().interpreter("/ld").needs("liba").bytes();
    int dynamicHeader = 64 + 56;
    long[][] changes = {
      {32, Long.MAX_VALUE},
      {32, -1},
      {dynamicHeader + 8, Long.MIN_VALUE},
      {dynamicHeader + 32, Integer.MAX_VALUE},
      {dynamicHeader + 32, Long.MAX_VALUE},
      {dynamicHeader + 32, -1},
      {64 + 2 * 56 + 8, Long.MAX_VALUE},
      {64 + 2 * 56 + 8, -1}
    };
    for (long[] change : changes) {
      ByteBuffer spoilt = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
      spoilt.putLong((int) change[0], change[1]);
      assertThrows(IOException.class, () -> read(spoilt.array()), Arrays.toString(change));
    }
    ByteBuffer many = ByteBuffer.wrap(whole.clone()).order(ByteOrder.LITTLE_ENDIAN);
    many.putShort(56, (short) -1);
    assertThrows(IOException.class, () -> read(many.array()));
  }

  @Test
  void aFileThatIsNotThere() {
    IOException e = assertThrows(IOException.class, () -> ElfFile.read(dir.resolve("none")));
    assertEquals(dir + "/none does not exist", e.getMessage());
  }
}
