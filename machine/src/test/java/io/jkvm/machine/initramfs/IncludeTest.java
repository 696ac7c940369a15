// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of a host, laid out by the test, with what they need. */
class IncludeTest {
  private static final String LOADER = "/lib64/ld-linux-x86-64.so.2";

  @TempDir Path root;

  private InitramfsBuilder builder;

  @BeforeEach
  void host() throws IOException {
    builder = new InitramfsBuilder(new HostRoot(root), "/none:/usr/bin", "");
    new TinyElf().write(root.resolve("usr/lib64/ld-linux-x86-64.so.2"));
    new TinyElf().write(root.resolve("usr/lib64/libc.so.6.1"));
    link("usr/lib64/libc.so.6", "libc.so.6.1");
    link("lib64", "usr/lib64");
    link("bin", "usr/bin");
    program("usr/bin/dash");
    link("usr/bin/sh", "dash");
    program("usr/bin/env");
  }

  private void link(String path, String target) throws IOException {
    Files.createDirectories(root.resolve(path).getParent());
    Files.createSymbolicLink(root.resolve(path), Path.of(target));
  }

  private void program(String path) throws IOException {
    new TinyElf().interpreter(LOADER).needs("libc.so.6").write(root.resolve(path));
  }

  private void script(String path, String text) throws IOException {
    Files.createDirectories(root.resolve(path).getParent());
    Files.writeString(root.resolve(path), text);
    Files.setPosixFilePermissions(root.resolve(path), PosixFilePermissions.fromString("rwxr-x---"));
  }

  private InitramfsBuilder include(String host) throws IOException {
    return builder.include(Path.of(host));
  }

  @Test
  void aProgramWithItsLibrariesAndTheLinksOnTheWay() throws IOException {
    include("/bin/sh");
    Archive archive = Archive.of(builder);
    assertEquals(
        List.of(
            ".",
            "bin",
            "lib64",
            "usr",
            "usr/bin",
            "usr/bin/dash",
            "usr/bin/sh",
            "usr/lib64",
            "usr/lib64/ld-linux-x86-64.so.2",
            "usr/lib64/libc.so.6",
            "usr/lib64/libc.so.6.1"),
        archive.names());
    assertEquals("usr/bin", archive.text("bin"));
    assertEquals("dash", archive.text("usr/bin/sh"));
    assertEquals("libc.so.6.1", archive.text("usr/lib64/libc.so.6"));
    assertEquals(List.of(), builder.notes());
  }

  @Test
  void aProgramAtAnotherPlaceInTheGuest() throws IOException {
    builder.include(Path.of("/bin/sh"), "opt/shell").include(Path.of("/bin/env"), "/tools/");
    Archive archive = Archive.of(builder);
    assertEquals("100755", archive.mode("opt/shell"));
    assertTrue(archive.has("tools/env") && archive.has("usr/lib64/libc.so.6"));
    assertFalse(archive.has("bin"));
  }

  @Test
  void aDirectoryOfTheGuestWhereTheHostHasALink() throws IOException {
    builder.directory("bin", 0700).file("bin/x", 0644, new byte[0]);
    include("/bin/dash");
    Archive archive = Archive.of(builder);
    assertEquals("40700", archive.mode("bin"));
    assertEquals("/usr/bin/dash", archive.text("bin/dash"));
    assertEquals("100755", archive.mode("usr/bin/dash"));
  }

  @Test
  void whatARootBringsAlongIsKept() throws IOException {
    builder
        .directory("lib64", 0755)
        .file("lib64/ld-linux-x86-64.so.2", 0755, "the root's".getBytes());
    include("/bin/dash");
    Archive archive = Archive.of(builder);
    assertEquals("the root's", archive.text("lib64/ld-linux-x86-64.so.2"));
    assertEquals("40755", archive.mode("lib64"));
    // Its C library is the host's all the same, where the host's programs look for it.
    assertTrue(builder.has(GuestPath.of("/lib64/libc.so.6")));
  }

  @Test
  void interpretersOfScripts() throws IOException {
    script("a", "#!/bin/sh\n");
    script("b", "#!/usr/bin/env -S X=1 tool -v\n");
    script("usr/bin/tool", "#!/opt/real\n");
    program("opt/real");
    script("c", "#!/bin/sh\r\n");
    script("d", "#!/usr/bin/env nothing\n");
    script("e", "#!/e\n");
    for (String name : List.of("/a", "/b", "/c", "/d", "/e")) {
      include(name);
    }
    Archive archive = Archive.of(builder);
    for (String name : List.of("a", "usr/bin/dash", "usr/bin/env", "usr/bin/tool", "opt/real")) {
      assertTrue(archive.has(name), name);
    }
    assertEquals("100750", archive.mode("a"));
    assertEquals(
        List.of(
            "/bin/sh\\x0d, which /c needs, was not found",
            "nothing, which /d needs, was not found"),
        builder.notes());
  }

  @Test
  void aDirectoryWithWhatItsProgramsNeed() throws IOException {
    new TinyElf()
        .interpreter(LOADER)
        .needs("libown.so", "libgone.so")
        .runpath("$ORIGIN/lib")
        .write(root.resolve("t/prog"));
    new TinyElf().write(root.resolve("t/lib/libown.so.1"));
    link("t/lib/libown.so", "libown.so.1");
    link("t/out", "../usr/bin/tool");
    link("t/dangling", "nowhere");
    script("usr/bin/tool", "x");
    script("t/run.sh", "#!/bin/sh\n");
    builder.include(Path.of("/t"), "/tests");
    Archive archive = Archive.of(builder);
    assertEquals("libown.so.1", archive.text("tests/lib/libown.so"));
    assertTrue(archive.has("tests/prog") && archive.has("usr/bin/dash"));
    assertEquals("../usr/bin/tool", archive.text("tests/out"));
    assertEquals("nowhere", archive.text("tests/dangling"));
    assertFalse(archive.has("t"));
    assertEquals(
        List.of(
            "libgone.so, which /t/prog needs, was not found",
            "/tests/out leads to ../usr/bin/tool, which is not included"),
        builder.notes());
  }

  @Test
  void aLibraryFoundThroughAParentDirectory() throws IOException {
    new TinyElf().write(root.resolve("app/lib/libown.so"));
    new TinyElf()
        .interpreter(LOADER)
        .needs("libown.so")
        .runpath("$ORIGIN/../gone/../lib:$ORIGIN/plugins/../../lib")
        .write(root.resolve("app/bin/p"));
    Files.createDirectories(root.resolve("app/bin/plugins"));
    include("/app/bin/p");
    Archive archive = Archive.of(builder);
    assertTrue(archive.has("app/lib/libown.so"));
    // The loader walks through it.
    assertTrue(archive.has("app/bin/plugins"), archive.names().toString());
  }

  @Test
  void brokenProgramsAreForTheKernelToRefuse() throws IOException {
    script("broken", "\u007fELF" + "\2\1\1" + "\0".repeat(40));
    include("/broken");
    assertTrue(Archive.of(builder).has("broken"));
    assertEquals(1, builder.notes().size());
    assertTrue(builder.notes().get(0).contains("is a broken ELF file"), builder.notes().get(0));
  }

  @Test
  void whatCantBeIncluded() throws IOException {
    link("circle", "circle");
    for (String[] wrong :
        new String[][] {
          {"/none", "/none does not exist"},
          {"/bin/none/x", "/bin/none/x does not exist"},
          {"/circle", "/circle can't be read (too many levels of symbolic links)"}
        }) {
      IOException e = assertThrows(IOException.class, () -> include(wrong[0]));
      assertEquals(wrong[1], e.getMessage());
    }
    IOException e =
        assertThrows(IOException.class, () -> new InitramfsBuilder().include(Path.of("/dev/null")));
    assertEquals("/dev/null is a device, neither a file nor a directory", e.getMessage());
  }

  /** Defect T27: a name in Latin-1 under a UTF-8 locale. */
  @Test
  void namesThatDoNotDecode() throws Exception {
    Path weird = root.resolve("weird");
    Files.createDirectories(weird);
    String script =
        "d=$(printf 'd\\351'); mkdir $d; echo hello >$d/$(printf 'f\\377\\n%%2F');"
            + " ln -s $(printf 'f\\377') $d/l; cp $0 $d/p; chmod 755 $d/p";
    Path elf =
        new TinyElf()
            .interpreter(LOADER)
            .needs("lib\u00e9.so")
            .runpath("$ORIGIN")
            .write(root.resolve("p"));
    Process sh =
        new ProcessBuilder("sh", "-c", script + "; cp $0 $d/$(printf 'lib\\351.so')", "" + elf)
            .directory(weird.toFile())
            .inheritIO()
            .start();
    assertEquals(0, sh.waitFor());
    builder.include(Path.of("/weird"));
    Archive archive = Archive.of(builder);
    assertEquals("hello\n", archive.text("weird/d\u00e9/f\u00ff\n%2F"));
    assertEquals("f\u00ff", archive.text("weird/d\u00e9/l"));
    assertTrue(archive.has("weird/d\u00e9/lib\u00e9.so"), archive.names().toString());
    assertEquals(List.of(), builder.notes());
    GuestPath path = GuestPath.of("a/d\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertEquals("/a/d\\xe9", path.toString());
    // The same through the whole: a directory's path in bytes, its file by name.
    try (var files = Files.newDirectoryStream(weird)) {
      Path undecoded = files.iterator().next();
      assertEquals(undecoded, HostFiles.path(GuestPath.of(undecoded)));
      InitramfsBuilder own = new InitramfsBuilder();
      own.include(undecoded, "/x/");
      assertEquals("hello\n", Archive.of(own).text("x/d\u00e9/f\u00ff\n%2F"));
      IOException e = assertThrows(IOException.class, () -> own.include(undecoded.resolve("none")));
      assertEquals(weird + "/d\\xe9/none does not exist", e.getMessage());
    }
  }
}
