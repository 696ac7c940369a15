// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The look-alike of QEMU, in a distribution whose jkvm prints what it is given. */
class QemuLookAlikeTest {
  private static final String SCRIPT = "share/qemu-look-alike/qemu-system-x86_64";

  @TempDir private Path home;
  private Path script;
  private String output;

  @BeforeEach
  void distribution() throws IOException {
    script = home.resolve(SCRIPT);
    Files.createDirectories(script.getParent());
    Path source = ProjectFiles.root().resolve("launcher/src/main/dist").resolve(SCRIPT);
    Files.copy(source, script, StandardCopyOption.COPY_ATTRIBUTES);
    Path jkvm = Files.createDirectories(home.resolve("bin")).resolve("jkvm");
    Files.writeString(jkvm, "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 4\n");
    Files.setPosixFilePermissions(jkvm, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private int run(Path program, String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(args));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor();
  }

  /** What kunit.py of Linux 6.1 gives, and options that later ones do. */
  @Test
  void whatKunitGivesIsTaken() throws IOException, InterruptedException {
    String text = "x=\"a  'b'\" console=ttyS0 kunit_shutdown=reboot";
    int status =
        run(
            script,
            "-nodefaults",
            "-m",
            "1024",
            "-kernel",
            ".kunit/arch/x86/boot/bzImage",
            "-append",
            text,
            "-no-reboot",
            "-nographic",
            "-accel",
            "kvm",
            "-accel",
            "tcg",
            "-serial",
            "stdio",
            "-bios",
            "qboot.rom",
            "",
            "-smp",
            "8");
    assertEquals(4, status);
    assertEquals(
        List.of(
            "run",
            "--quiet",
            "--grace=0",
            "--on-reboot=stop",
            "--kernel=.kunit/arch/x86/boot/bzImage",
            "--mem=1024",
            "--cpus=8",
            "--cmdline=" + text),
        output.lines().toList());
  }

  @Test
  void theOptionsItGivesAreOnesThatJkvmHas() throws IOException, InterruptedException {
    run(script, "-kernel", "/no/kernel", "-initrd", "/no/initrd", "-device", "virtio-rng-pci");
    StringWriter err = new StringWriter();
    PrintWriter to = new PrintWriter(err, true);
    assertEquals(3, Main.execute(to, to, output.lines().toArray(String[]::new)), err::toString);
    assertTrue(err.toString().contains("/no/kernel"), err::toString);
  }

  @Test
  void worksThroughALinkAndWithTwoDashes() throws IOException, InterruptedException {
    Path link = Files.createSymbolicLink(home.resolve("qemu-system-x86_64"), script);
    assertEquals(4, run(link, "--kernel", "k"));
    assertTrue(output.contains("--on-reboot=restart\n--kernel=k\n"), output);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-kernel k -hda disk.img",
        "-kernel k -serial pty",
        "-kernel k -device e1000",
        "-kernel k -accel xen",
        "-kernel k -S",
        "-kernel k stray",
        "-kernel",
        "-m 1G"
      })
  void refusesWhatItDoesNotKnowWithALine(String options) throws IOException, InterruptedException {
    assertEquals(2, run(script, options.split(" ")), output);
    assertEquals(1, output.lines().count(), output);
    assertTrue(output.startsWith("qemu-system-x86_64: "), output);
  }
}
