// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitramfsBuilderTest {
  @TempDir Path dir;

  private final InitramfsBuilder builder = new InitramfsBuilder();

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void entriesWithTheDirectoriesAboveThem() throws IOException {
    builder.file("/a/b/c", 0640, bytes("x")).directory("a", 01777).symlink("/l", "a/b");
    Archive archive = Archive.of(builder);
    assertEquals(List.of(".", "a", "a/b", "a/b/c", "l"), archive.names());
    assertEquals("41777", archive.mode("a"));
    assertEquals("40755", archive.mode("a/b"));
    assertEquals("100640", archive.mode("a/b/c"));
    assertEquals("a/b", archive.text("l"));
  }

  @Test
  void theOrderOfCallsDoesNotShow() throws IOException {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      names.add("d" + i % 7 + "/f" + i);
    }
    byte[] first = write(names);
    Collections.reverse(names);
    assertArrayEquals(first, write(names));
  }

  private static byte[] write(List<String> names) throws IOException {
    InitramfsBuilder builder = new InitramfsBuilder();
    for (String name : names) {
      builder.file(name, 0644, bytes(name));
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    builder.write(out);
    return out.toByteArray();
  }

  @Test
  void aLaterEntryReplacesOneOfTheSameName() throws IOException {
    builder.file("a", 0644, bytes("1")).file("/./a", 0600, bytes("2"));
    builder.symlink("b", "a").file("b", 0644, bytes("3"));
    builder.directory("c", 0755).file("c", 0644, bytes("4"));
    builder.file("d", 0644, bytes("5")).directory("d", 0700).file("d/e", 0644, bytes("6"));
    Archive archive = Archive.of(builder);
    assertEquals(List.of(".", "a", "b", "c", "d", "d/e"), archive.names());
    assertEquals("2", archive.text("a"));
    assertEquals("3", archive.text("b"));
    assertEquals("4", archive.text("c"));
    assertEquals("40700", archive.mode("d"));
  }

  @Test
  void filesGoWhereLinksLead() throws IOException {
    builder.symlink("bin", "usr/bin").symlink("up", "/usr/lib/../bin").directory("usr/lib", 0755);
    builder.file("bin/a", 0755, bytes("")).file("up/b", 0755, bytes(""));
    builder.directory("bin", 0711);
    Archive archive = Archive.of(builder);
    assertTrue(archive.has("usr/bin/a") && archive.has("usr/bin/b"), archive.names().toString());
    assertEquals("120777", archive.mode("bin"));
    assertEquals("40711", archive.mode("usr/bin"));
  }

  @Test
  void aLinkInPlaceOfADirectoryTakesItsFilesAlong() throws IOException {
    builder.file("lib/x/y", 0644, bytes("1")).file("usr/lib/z", 0644, bytes("2"));
    builder.symlink("lib", "usr/lib");
    Archive archive = Archive.of(builder);
    assertEquals("120777", archive.mode("lib"));
    assertEquals("1", archive.text("usr/lib/x/y"));
    assertEquals("2", archive.text("usr/lib/z"));
    assertFalse(archive.has("lib/x/y"));
  }

  @Test
  void conflictsNameThePath() throws IOException {
    builder.file("f", 0644, bytes("")).file("d/x", 0644, bytes("")).symlink("l", "l");
    message("/f is not a directory in the initramfs", "f/x");
    message("/d is a directory in the initramfs already", "d");
    message("/ is a directory in the initramfs already", "/");
    message("/l: too many levels of symbolic links in the initramfs", "l/x");
    IOException e =
        assertThrows(IOException.class, () -> builder.file("n".repeat(256), 0, bytes("")));
    assertEquals("n".repeat(60) + "... is longer than 255 bytes", e.getMessage());
    assertThrows(IOException.class, () -> builder.file("n/".repeat(2100), 0, bytes("")));
    assertThrows(IllegalArgumentException.class, () -> builder.file("a\0b", 0, bytes("")));
    assertThrows(IllegalArgumentException.class, () -> builder.file("a", 010000, bytes("")));
  }

  private void message(String expected, String path) {
    IOException e =
        assertThrows(IOException.class, () -> builder.file(path, 0644, bytes("")), path);
    assertEquals(expected, e.getMessage());
  }

  @Test
  void theStandardLayoutYieldsToWhatIsGiven() throws IOException {
    builder.file("etc/passwd", 0600, bytes("mine")).standardLayout();
    builder.file("etc/hosts", 0644, bytes("later")).directory("tmp", 0700);
    Archive archive = Archive.of(builder);
    assertEquals("mine", archive.text("etc/passwd"));
    assertEquals("later", archive.text("etc/hosts"));
    assertEquals("root:x:0:\nnogroup:x:65534:\n", archive.text("etc/group"));
    assertEquals("40700", archive.mode("tmp"));
    assertEquals("41777", archive.mode("var/tmp"));
    assertEquals("40700", archive.mode("root"));
    assertEquals("20600", archive.mode("dev/console"));
    assertEquals(5, archive.entries().get("dev/console").getRemoteDeviceMaj());
    for (String name : List.of("proc", "sys", "run")) {
      assertEquals("40755", archive.mode(name));
    }
  }

  @Test
  void theStandardLayoutHasUsrMergedAsTheHost() throws IOException {
    Path root = Files.createDirectories(dir.resolve("root"));
    Files.createDirectories(root.resolve("usr/bin"));
    Files.createDirectories(root.resolve("sbin"));
    Files.createSymbolicLink(root.resolve("bin"), Path.of("usr/bin"));
    InitramfsBuilder merged = new InitramfsBuilder(new HostRoot(root), "", "");
    merged.file("bin/early", 0755, bytes("")).standardLayout().file("bin/late", 0755, bytes(""));
    Archive archive = Archive.of(merged);
    assertEquals("usr/bin", archive.text("bin"));
    assertTrue(archive.has("usr/bin/early") && archive.has("usr/bin/late"));
    assertEquals("40755", archive.mode("sbin"));
  }

  @Test
  void theContentOfAFileOfTheHost() throws IOException {
    Path file = Files.writeString(dir.resolve("f"), "content");
    Files.createSymbolicLink(dir.resolve("l"), file);
    builder.include(dir.resolve("l"), "a");
    assertEquals("content", Archive.of(builder).text("a"));
    Files.writeString(file, "longer content");
    IOException grew = assertThrows(IOException.class, () -> Archive.of(builder));
    assertEquals(file.toRealPath() + " grew while it was packed", grew.getMessage());
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(5L << 30);
    }
    assertThrows(IOException.class, () -> builder.include(file));
    assertThrows(IOException.class, () -> builder.include(dir));
    assertThrows(IOException.class, () -> builder.packDirectory(dir));
  }
}
