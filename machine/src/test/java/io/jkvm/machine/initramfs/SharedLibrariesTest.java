// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.initramfs.SharedLibraries.Closure;
import io.jkvm.machine.initramfs.SharedLibraries.Library;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedLibrariesTest {
  private static final String GLIBC = "/lib64/ld-linux-x86-64.so.2";

  @TempDir Path root;

  /** JUnit would warn of a link that leads out of its directory. */
  @AfterEach
  void removeAbsoluteLink() throws IOException {
    Files.deleteIfExists(root.resolve("usr/lib64/ld-linux-x86-64.so.2"));
  }

  private Closure closure(String program, String libraryPath) throws IOException {
    GuestPath path = GuestPath.of(program);
    return new SharedLibraries(new HostRoot(root), libraryPath).of(path, path);
  }

  private Closure closure(String program) throws IOException {
    return closure(program, "");
  }

  private void library(String path, String... needs) throws IOException {
    new TinyElf().needs(needs).write(root.resolve(path));
  }

  private void program(String path, String... needs) throws IOException {
    new TinyElf().interpreter(GLIBC).needs(needs).write(root.resolve(path));
  }

  private void link(String path, String target) throws IOException {
    Files.createDirectories(root.resolve(path).getParent());
    Files.createSymbolicLink(root.resolve(path), Path.of(target));
  }

  private static List<String> guest(Closure closure) {
    return closure.libraries().stream().map(Library::guest).map(GuestPath::toString).toList();
  }

  /** Debian with /usr merged: the loader is reached over two links. */
  private void debian() throws IOException {
    library("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
    link("lib", "usr/lib");
    link("lib64", "usr/lib64");
    link("usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
    library("usr/lib/x86_64-linux-gnu/libc.so.6", "ld-linux-x86-64.so.2");
  }

  @Test
  void debiansMultiarch() throws IOException {
    debian();
    library("usr/lib/x86_64-linux-gnu/liba.so.1", "libb.so.1", "libc.so.6");
    library("usr/lib/x86_64-linux-gnu/libb.so.1", "liba.so.1", "libc.so.6");
    program("usr/bin/p", "liba.so.1", "libc.so.6");
    Closure found = closure("/usr/bin/p");
    assertEquals(
        List.of(
            GLIBC,
            "/lib/x86_64-linux-gnu/liba.so.1",
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib/x86_64-linux-gnu/libb.so.1"),
        guest(found));
    assertEquals(List.of(), found.missing());
  }

  /** A root that was put together of copies: the loader is where programs look for it, no link. */
  @Test
  void debiansLoaderAsACopy() throws IOException {
    library("lib64/ld-linux-x86-64.so.2");
    library("lib/x86_64-linux-gnu/libc.so.6");
    program("bin/p", "libc.so.6");
    assertEquals(List.of(GLIBC, "/lib/x86_64-linux-gnu/libc.so.6"), guest(closure("/bin/p")));
  }

  @Test
  void fedorasLib64() throws IOException {
    library("usr/lib64/ld-linux-x86-64.so.2");
    link("lib64", "usr/lib64");
    library("usr/lib64/libc.so.6");
    // A 32-bit library of the same name is passed over.
    new TinyElf().machine(ElfFile.I386).write(root.resolve("usr/lib/libc.so.6"));
    program("usr/bin/p", "libc.so.6");
    assertEquals(List.of(GLIBC, "/lib64/libc.so.6"), guest(closure("/usr/bin/p")));
  }

  @Test
  void muslWithAndWithoutItsPathFile() throws IOException {
    library("lib/ld-musl-x86_64.so.1");
    link("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1");
    library("usr/lib/libz.so.1", "libc.musl-x86_64.so.1");
    library("opt/libz.so.1");
    new TinyElf()
        .interpreter("/lib/ld-musl-x86_64.so.1")
        .needs("libz.so.1", "libc.so")
        .write(root.resolve("bin/p"));
    assertEquals(
        List.of("/lib/ld-musl-x86_64.so.1", "/usr/lib/libz.so.1"), guest(closure("/bin/p")));
    Files.createDirectories(root.resolve("etc"));
    Files.writeString(root.resolve("etc/ld-musl-x86_64.path"), "/opt\n/usr/lib\n");
    assertEquals(
        List.of("/lib/ld-musl-x86_64.so.1", "/etc/ld-musl-x86_64.path", "/opt/libz.so.1"),
        guest(closure("/bin/p")));
  }

  /** The guest has no ld.so.cache: the library goes where its loader looks without one. */
  @Test
  void whatOnlyTheConfigurationListsGoesToTheLoadersDirectory() throws IOException {
    debian();
    library("opt/x/libx.so", "libc.so.6");
    library("opt/y/liby.so");
    Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
    Files.writeString(
        root.resolve("etc/ld.so.conf"), "# none\ninclude ld.so.conf.d/*.conf # here\n");
    Files.writeString(root.resolve("etc/ld.so.conf.d/a.conf"), "/opt/x, /opt/none\n/opt/y=libc6");
    Files.writeString(root.resolve("etc/ld.so.conf.d/b.off"), "/opt/z\n");
    library("opt/z/libz.so");
    program("usr/bin/p", "libx.so", "liby.so", "libz.so");
    Closure found = closure("/usr/bin/p");
    assertEquals("/opt/x/libx.so", found.libraries().get(1).host().toString());
    assertEquals(
        List.of(
            GLIBC,
            "/usr/lib/x86_64-linux-gnu/libx.so",
            "/usr/lib/x86_64-linux-gnu/liby.so",
            "/lib/x86_64-linux-gnu/libc.so.6"),
        guest(found));
    assertEquals("libz.so", found.missing().get(0).name());
    assertEquals(
        "libz.so, which /usr/bin/p needs, was not found", found.missing().get(0).toString());
  }

  @Test
  void aConfigurationThatIncludesItselfEnds() throws IOException {
    debian();
    Files.createDirectories(root.resolve("etc"));
    Files.writeString(root.resolve("etc/ld.so.conf"), "include /etc/*.conf [x.conf [!a-\n/opt\n");
    program("usr/bin/p", "libc.so.6");
    assertEquals(2, closure("/usr/bin/p").libraries().size());
  }

  @Test
  void runpathIsOfOneFileAndRpathOfAllThatItLoads() throws IOException {
    debian();
    library("app/lib/libdeep.so");
    library("app/lib/libmid.so", "libdeep.so");
    TinyElf rpath = new TinyElf().interpreter(GLIBC).needs("libmid.so").rpath("$ORIGIN/../lib");
    rpath.write(root.resolve("app/bin/old"));
    assertEquals(
        List.of(GLIBC, "/app/bin/../lib/libmid.so", "/app/bin/../lib/libdeep.so"),
        guest(closure("/app/bin/old")));
    TinyElf runpath =
        new TinyElf().interpreter(GLIBC).needs("libmid.so").runpath("${ORIGIN}/../lib");
    runpath.write(root.resolve("app/bin/new"));
    Closure found = closure("/app/bin/new");
    assertEquals(List.of(GLIBC, "/app/bin/../lib/libmid.so"), guest(found));
    assertEquals("libdeep.so", found.missing().get(0).name());
    // With the loader's own variable it is found.
    assertEquals(
        List.of(GLIBC, "/app/lib/libmid.so", "/app/lib/libdeep.so"),
        guest(closure("/app/bin/new", "relative::/app/lib")));
  }

  @Test
  void theGuestsOriginIsWhereTheProgramIsThere() throws IOException {
    debian();
    library("home/me/build/libown.so");
    new TinyElf()
        .interpreter(GLIBC)
        .needs("libown.so")
        .runpath("$ORIGIN")
        .write(root.resolve("home/me/build/p"));
    Closure found =
        new SharedLibraries(new HostRoot(root), "")
            .of(GuestPath.of("/home/me/build/p"), GuestPath.of("/bin/p"));
    assertEquals("/home/me/build/libown.so", found.libraries().get(1).host().toString());
    assertEquals("/bin/libown.so", found.libraries().get(1).guest().toString());
  }

  @Test
  void aLoaderThatIsMissingIsReported() throws IOException {
    program("bin/p", "libc.so.6");
    Closure found = closure("/bin/p");
    assertEquals(List.of(), found.libraries());
    assertEquals(2, found.missing().size());
    assertEquals(GLIBC, found.missing().get(0).name());
  }

  @Test
  void whatIsNotDynamicNeedsNothing() throws IOException {
    new TinyElf().write(root.resolve("static"));
    Files.writeString(root.resolve("text"), "hello");
    assertEquals(List.of(), closure("/static").libraries());
    assertEquals(List.of(), closure("/text").libraries());
  }

  /** The host's own loader, asked by ldd(1), lists the same files. */
  @Test
  void theSameAsTheHostsLoader() throws Exception {
    Path ldd = Path.of("/usr/bin/ldd");
    Assumptions.assumeTrue(Files.isExecutable(ldd));
    int compared = 0;
    for (String name :
        List.of(
            "/bin/ls",
            "/bin/bash",
            "/usr/bin/env",
            "/usr/bin/git",
            "/usr/bin/python3",
            "/usr/bin/perl",
            "/usr/bin/ssh",
            "/usr/bin/curl")) {
      if (!Files.exists(Path.of(name))) {
        continue;
      }
      Process process = new ProcessBuilder(ldd.toString(), name).start();
      String text = new String(process.getInputStream().readAllBytes());
      if (process.waitFor() != 0) {
        continue;
      }
      Set<Path> expected = new TreeSet<>();
      Matcher path = Pattern.compile("(/\\S+) \\(0x").matcher(text);
      while (path.find()) {
        expected.add(Path.of(path.group(1)).toRealPath());
      }
      Set<Path> found = new TreeSet<>();
      Closure closure = new SharedLibraries("").of(Path.of(name));
      for (Library library : closure.libraries()) {
        found.add(HostFiles.path(library.host()).toRealPath());
      }
      assertEquals(expected, found, name);
      assertEquals(List.of(), closure.missing(), name);
      compared++;
    }
    assertTrue(compared > 0);
  }
}
