// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs of this host, packed, unpacked by cpio(1) and run there by chroot(1). */
class PackedRootTest {
  @TempDir Path dir;

  private final InitramfsBuilder builder = new InitramfsBuilder();

  /** JUnit would warn of each link that leads out of its directory. */
  @AfterEach
  void removeTrees() throws Exception {
    run("rm", "-rf", dir + "/unpacked", dir + "/source");
  }

  private record Ran(int status, String output) {}

  private static Ran run(String... command) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes());
    return new Ran(process.waitFor(), output);
  }

  private static boolean isRoot() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
  }

  private static boolean has(String program) {
    return Files.isExecutable(Path.of(program));
  }

  private static Path found(String command) {
    return new CommandFinder(Path.of("/"), "/usr/bin:/bin:/usr/sbin:/sbin")
        .find(command)
        .host()
        .orElse(null);
  }

  private Path unpack() throws Exception {
    Path cpio = found("cpio");
    assumeTrue(cpio != null && isRoot() && found("chroot") != null);
    Path archive = dir.resolve("a.cpio");
    try (OutputStream out = Files.newOutputStream(archive)) {
      builder.write(out);
    }
    Path root = Files.createDirectory(dir.resolve("unpacked"));
    Ran ran =
        run("sh", "-c", "cd \"$1\" && cpio -idmu --quiet <\"$2\"", "sh", "" + root, "" + archive);
    assertEquals(new Ran(0, ""), ran);
    return root;
  }

  private static Ran chroot(Path root, String... command) throws Exception {
    List<String> all = new ArrayList<>(List.of(found("chroot").toString(), root.toString()));
    all.addAll(List.of(command));
    return run(all.toArray(String[]::new));
  }

  @Test
  void programsRunOnTheirLibrariesAlone() throws Exception {
    assumeTrue(has("/bin/ls") && has("/bin/sh") && has("/usr/bin/env"));
    Path script = Files.writeString(dir.resolve("script"), "#!/usr/bin/env sh\necho ran $0 $1\n");
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    builder.standardLayout().include(Path.of("/bin/ls")).include(script, "/run/script");
    assertEquals(List.of(), builder.notes());
    Path root = unpack();
    assertEquals(new Ran(0, "/bin/ls\n"), chroot(root, "/bin/ls", "/bin/ls"));
    Ran ran = chroot(root, "/run/script", "x y");
    assertEquals(new Ran(0, "ran /run/script x y\n"), ran);
  }

  /** Larger ones, as many as there are: a library that is missing ends them. */
  @Test
  void largerPrograms() throws Exception {
    List<String> names =
        Stream.of("/usr/bin/git", "/usr/bin/curl", "/usr/bin/perl", "/usr/bin/ssh", "/bin/bash")
            .filter(PackedRootTest::has)
            .toList();
    assumeTrue(!names.isEmpty());
    builder.standardLayout();
    for (String name : names) {
      builder.include(Path.of(name));
    }
    Path root = unpack();
    for (String name : names) {
      String option = name.endsWith("ssh") ? "-V" : "--version";
      Ran expected = run(name, option);
      assertEquals(expected, chroot(root, name, option), name);
    }
  }

  /** Modes, owners, links, devices and times come out of cpio(1) as they were. */
  @Test
  void aWholeRootDirectory() throws Exception {
    assumeTrue(isRoot());
    Path source = Files.createDirectory(dir.resolve("source"));
    Ran made =
        run(
            "sh",
            "-ec",
            "cd \"$1\"; mkdir -m 1777 tmp; mkdir -p usr/bin etc; ln -s usr/bin bin;"
                + " echo secret >etc/shadow; chmod 640 etc/shadow; chown 12:34 etc/shadow;"
                + " echo prog >usr/bin/su; chmod 4755 usr/bin/su; ln usr/bin/su usr/bin/hard;"
                + " ln -s /etc/passwd outside; ln -s ../../.. up; mkfifo fifo;"
                + " mknod null c 1 3; mknod disk b 259 300; : >empty;"
                + " touch -d @1000000000 etc/shadow; chown -h 5:6 outside",
            "sh",
            source.toString());
    assumeTrue(made.status == 0, made.output);
    Files.setLastModifiedTime(source.resolve("empty"), FileTime.fromMillis(-1500));
    builder.packDirectory(source);
    assertEquals(List.of(source + "/fifo was left out: it is a FIFO"), builder.notes());
    Archive archive = Archive.of(builder);
    assertEquals("/etc/passwd", archive.text("outside"));
    assertEquals(
        HostFiles.stat(source.resolve("up")).time(), archive.entries().get("up").getTime());
    assertEquals(0, archive.entries().get("empty").getTime());
    assertEquals("prog\n", archive.text("usr/bin/hard"));
    assertEquals(259, archive.entries().get("disk").getRemoteDeviceMaj());
    assertEquals(300, archive.entries().get("disk").getRemoteDeviceMin());
    Path root = unpack();
    String list =
        "cd \"$1\"; find . ! -name fifo ! -name empty -printf '%p %y %m %U:%G %l '"
            + " \\( ! -type f -printf '\\n' -o -printf '%T@ %s\\n' \\) | sort";
    Files.delete(source.resolve("fifo"));
    String expected = run("sh", "-c", list, "sh", source.toString()).output;
    String actual = run("sh", "-c", list, "sh", root.toString()).output;
    assertEquals(withoutFractions(expected), withoutFractions(actual));
  }

  private static String withoutFractions(String list) {
    return list.replaceAll("\\.\\d{10}", "");
  }

  @Test
  void aMountedProcIsLeftEmpty() throws Exception {
    // The host's own root would never end.
    EntryTree tree = new EntryTree();
    List<String> notes = new ArrayList<>();
    assumeTrue(Files.getFileStore(Path.of("/proc")).type().equals("proc"));
    Path source = Files.createDirectories(dir.resolve("x/proc")).getParent();
    assumeTrue(isRoot());
    Ran ran = run("mount", "-t", "proc", "proc", source + "/proc");
    assumeTrue(ran.status == 0, ran.output);
    try {
      new DirectoryWalk(tree, notes::add).take(source, GuestPath.ROOT);
    } finally {
      run("umount", source + "/proc");
    }
    assertEquals(List.of(source + "/proc is a mounted proc: it was left empty"), notes);
  }
}
