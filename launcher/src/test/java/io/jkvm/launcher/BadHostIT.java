// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.launcher.report.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Other files, devices and sizes that can't be had: one line, status 3. */
@Guests
class BadHostIT {
  private static final String KERNEL = ProjectFiles.guestImage("bzImage").toString();

  @TempDir Path folder;

  @BeforeEach
  void letOthersIn() throws Exception {
    BadFiles.chmod(folder, "rwxr-xr-x");
  }

  private static void assertRefused(List<String> options, String... parts) throws Exception {
    List<String> args = new ArrayList<>(List.of("--kernel", KERNEL));
    args.addAll(options);
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm(args.toArray(String[]::new)), ExitStatus.HOST, parts);
  }

  /** The same as a user whom permissions stop, with a copy that this one can reach. */
  private void assertForbidden(String kernel, List<String> options, String... parts)
      throws Exception {
    Path home = folder.resolve("jkvm");
    BadFiles.copyTree(JkvmProcess.binary().getParent().getParent(), home);
    List<String> command = JkvmProcess.runCommand("--kernel", kernel, "--timeout", "20s");
    command.set(0, home.resolve("bin/jkvm").toString());
    command.addAll(options);
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, BadFiles.unprivileged(command)),
        ExitStatus.HOST,
        parts);
  }

  private String readableKernel() throws Exception {
    return BadFiles.chmod(Files.copy(Path.of(KERNEL), folder.resolve("bzImage")), "rw-r--r--")
        .toString();
  }

  @Test
  void kernelForbidden() throws Exception {
    Path kernel = Path.of(readableKernel());
    BadFiles.chmod(kernel, "---------");
    assertForbidden(
        kernel.toString(), List.of(), "kernel " + kernel, "permission denied", "chmod a+r");
  }

  @Test
  void kvmForbidden() throws Exception {
    Path kvm = BadFiles.chmod(Files.createFile(folder.resolve("kvm")), "---------");
    assertForbidden(
        readableKernel(),
        List.of("--kvm", kvm.toString()),
        "open " + kvm,
        "EACCES",
        "for its owner alone",
        "sudo chmod a+rw " + kvm);
  }

  @Test
  void diskForbidden() throws Exception {
    Path disk = BadFiles.chmod(BadFiles.sparse(folder.resolve("d"), 1 << 20, 0), "r--r--r--");
    assertForbidden(
        readableKernel(),
        List.of("--disk", disk.toString()),
        "disk " + disk,
        "can't be opened for writing (EACCES",
        "add ,ro");
  }

  @Test
  @RequiresKvm
  void initrdForbidden() throws Exception {
    Path kvm = BadFiles.kvmForEverybody(folder);
    Path initrd = BadFiles.chmod(Files.writeString(folder.resolve("i"), "x"), "---------");
    assertForbidden(
        readableKernel(),
        List.of("--kvm", kvm.toString(), "--initrd", initrd.toString()),
        "initrd " + initrd,
        "permission denied",
        "chmod a+r");
  }

  @Test
  void kvmMissing() throws Exception {
    assertRefused(List.of("--kvm", "/nonexistent/kvm"), "open /nonexistent/kvm", "modprobe");
  }

  @Test
  void kvmIsSomethingElse() throws Exception {
    Path file = Files.createFile(folder.resolve("kvm"));
    assertRefused(
        List.of("--kvm", file.toString()), file + " is not a KVM device", "as a rule /dev/kvm");
  }

  @Test
  void diskMissing() throws Exception {
    assertRefused(List.of("--disk", folder + "/d"), "disk " + folder + "/d", "check the name");
  }

  @Test
  void diskIsADirectory() throws Exception {
    assertRefused(
        List.of("--disk", folder.toString()), "disk " + folder, "is a directory", "give an image");
  }

  @Test
  void diskIsACharacterDevice() throws Exception {
    assertRefused(List.of("--disk", "/dev/zero"), "disk /dev/zero", "is neither a regular file");
  }

  @Test
  void diskIsEmpty() throws Exception {
    Path disk = Files.createFile(folder.resolve("d"));
    assertRefused(List.of("--disk", disk.toString()), "is empty", "truncate -s 1G " + disk);
  }

  @Test
  void diskIsNoWholeNumberOfSectors() throws Exception {
    Path disk = BadFiles.sparse(folder.resolve("d"), 1000, 0);
    assertRefused(
        List.of("--disk", disk.toString()), "length 1000", "512", "truncate -s %512 " + disk);
  }

  @Test
  void theSameDiskTwice() throws Exception {
    Path disk = BadFiles.sparse(folder.resolve("d"), 1 << 20, 0);
    BadFiles.assertOneLine(
        JkvmProcess.runInThisJvm("--disk", disk.toString(), "--disk", disk.toString()),
        ExitStatus.USAGE,
        "--disk: " + disk + " is given as two disks",
        "leave one out, or give both as FILE,ro");
  }

  /** What it is counts, not its name. */
  @Test
  void theSameDiskByTwoNames() throws Exception {
    Path disk = BadFiles.sparse(folder.resolve("d"), 1 << 20, 0);
    Path link = Files.createSymbolicLink(folder.resolve("symbolic"), disk);
    Path hardLink = Files.createLink(folder.resolve("hard"), disk);
    String kernel = ProjectFiles.guestImage("bzImage").toString();
    for (Path other : List.of(link, hardLink)) {
      BadFiles.assertOneLine(
          JkvmProcess.runInThisJvm("--kernel", kernel, "--disk", "" + disk, "--disk", "" + other),
          ExitStatus.HOST,
          other + " is given as two disks",
          "leave one out, or give both as FILE,ro");
    }
  }

  @Test
  @RequiresKvm
  void initrdMissing() throws Exception {
    assertRefused(List.of("--initrd", "/no/initrd"), "initrd /no/initrd", "check the name");
  }

  @Test
  @RequiresKvm
  void initrdIsADirectory() throws Exception {
    assertRefused(
        List.of("--initrd", folder.toString()), "initrd " + folder, "name a cpio archive");
  }

  @Test
  @RequiresKvm
  void initrdIsEmpty() throws Exception {
    Path initrd = Files.createFile(folder.resolve("i"));
    assertRefused(
        List.of("--initrd", initrd.toString()), "initrd " + initrd + " is empty", "leave it out");
  }

  @Test
  @RequiresKvm
  void initrdTooLarge() throws Exception {
    Path initrd = BadFiles.sparse(folder.resolve("i"), 100 << 20, 0);
    for (String way : List.of("direct", "bzimage", "bios", "pvh")) {
      assertRefused(
          List.of("--boot", way, "--mem", "64M", "--initrd", initrd.toString()),
          "initrd " + initrd,
          "is too large",
          "give more --mem");
    }
  }

  @Test
  @RequiresKvm
  void memoryThatTheHostLacks() throws Exception {
    assertRefused(List.of("--mem", "10T"), "10T of memory is more than this host's", "give less");
    assertRefused(List.of("--mem", "8388607T"), "more than this host's", "give less");
  }

  @Test
  @RequiresKvm
  void commandLineTooLong() throws Exception {
    assertRefused(List.of("--cmdline", "x".repeat(3000)), "command line has", "shorten --cmdline");
  }
}
