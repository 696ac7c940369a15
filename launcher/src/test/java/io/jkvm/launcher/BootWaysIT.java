// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same kernel in each way, from an initramfs and from a disk. */
@RequiresKvm
@Guests
class BootWaysIT {
  private static final String UNAME = "uname -a";

  private static final String INITRD = ProjectFiles.guestImage("initramfs.cpio").toString();

  @TempDir Path folder;

  /** Little memory, since each page costs time at the start. */
  private static JkvmProcess.Result boot(String image, String command, String... options)
      throws Exception {
    return boot(ProjectFiles.guestImage(image), command, options);
  }

  private static JkvmProcess.Result boot(Path kernel, String command, String... options)
      throws Exception {
    List<String> args =
        new ArrayList<>(List.of("--kernel", kernel.toString(), "--mem", "64M", "--cmdline"));
    args.add("quiet jkvm.run=\"" + command + "\"");
    args.addAll(List.of(options));
    return JkvmProcess.run(args.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "pvh"})
  void fromDisk(String way) throws Exception {
    assertAnswers(boot("bzImage", UNAME, "--boot=" + way, "--disk", disk()));
  }

  private String disk() throws Exception {
    return Files.copy(ProjectFiles.guestImage("rootfs.img"), folder.resolve("root.img")).toString();
  }

  /** It ends as guests of other machines do, with a triple fault that is a reset. */
  @Test
  void anElfVmlinuxThatResetsByATripleFault() throws Exception {
    JkvmProcess.Result result = boot("vmlinux", UNAME, "--initrd", INITRD, "--cmdline", "reboot=t");
    assertAnswers(result);
    assertTrue(result.err().contains("guest reset: by a triple fault"), result::toString);
  }

  @Test
  void anElfVmlinuxAtItsPvhEntry() throws Exception {
    assertAnswers(boot("vmlinux", UNAME, "--boot=pvh", "--initrd", INITRD));
  }

  /** Its e_entry names no 64-bit entry, as in other kernels than Linux. */
  @Test
  void anElfWithAPvhEntryOnly() throws Exception {
    byte[] elf = Files.readAllBytes(ProjectFiles.guestImage("vmlinux"));
    ByteBuffer.wrap(elf).order(ByteOrder.LITTLE_ENDIAN).putLong(24, 0);
    Path kernel = Files.write(folder.resolve("vmlinux"), elf);
    JkvmProcess.Result result = boot(kernel, UNAME, "--initrd", INITRD);
    assertAnswers(result);
    assertTrue(result.err().contains("it is entered at its PVH entry"), result::toString);
  }

  /** As of kernels before Linux 3.8, and of what is no Linux: XLF_KERNEL_64 is not set. */
  @Test
  @LongTest
  void anImageWithoutA64BitEntryBootsByTheBios() throws Exception {
    byte[] image = Files.readAllBytes(ProjectFiles.guestImage("bzImage"));
    image[0x236] &= ~1; // xloadflags
    Path kernel = Files.write(folder.resolve("bzImage"), image);
    JkvmProcess.Result result = boot(kernel, UNAME, "--initrd", INITRD);
    assertAnswers(result);
    assertTrue(result.err().contains("has no 64-bit entry"), result::toString);
  }

  @Test
  void fromTwoInitrdsWithADiskByTheBios() throws Exception {
    assertBootsFromTwoInitrds("bios");
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "bzimage", "pvh"})
  @LongTest
  void fromTwoInitrdsWithADisk(String way) throws Exception {
    assertBootsFromTwoInitrds(way);
  }

  /**
   * The first ends at no multiple of 4, where Linux would not see the second. The disk is there in
   * the same boot, as a kernel that unpacks itself takes its time where KVM interprets it.
   */
  private void assertBootsFromTwoInitrds(String way) throws Exception {
    byte[] root = Files.readAllBytes(Path.of(INITRD));
    Path first = Files.write(folder.resolve("1"), Arrays.copyOf(root, root.length + 1));
    Path second = Files.write(folder.resolve("2"), CpioArchive.of("added", "from the second\n"));
    JkvmProcess.Result result =
        boot(
            "bzImage",
            UNAME + "; cat /added; mount -o ro /dev/vda /mnt && ls /mnt/etc/fstab",
            "--boot=" + way,
            "--disk",
            disk(),
            "--cmdline",
            "root=/dev/ram0",
            "--initrd",
            first.toString(),
            "--initrd",
            second.toString());
    assertAnswers(result);
    assertTrue(result.out().contains("from the second"), result::toString);
    assertTrue(result.out().contains("/mnt/etc/fstab"), result::toString);
  }

  private static void assertAnswers(JkvmProcess.Result result) {
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("jkvm: Linux is up"), result::toString);
    assertTrue(
        result.out().lines().anyMatch(l -> l.matches("Linux \\S+ \\d+\\.\\d+.* x86_64 .*")),
        result::toString);
    assertTrue(result.err().contains("jkvm: guest reset"), result::toString);
  }
}
