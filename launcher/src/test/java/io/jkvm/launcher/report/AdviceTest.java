// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdviceTest {
  @TempDir Path folder;

  private String forbidden(String permissions) throws Exception {
    Path device = folder.resolve("kvm");
    Files.setPosixFilePermissions(device, PosixFilePermissions.fromString(permissions));
    return Advice.of(Problem.KVM_FORBIDDEN, device.toString());
  }

  @Test
  void aDeviceForItsOwnerAloneNeedsOtherPermissions() throws Exception {
    Files.createFile(folder.resolve("kvm"));
    String advice = forbidden("rw-------");
    assertTrue(advice.contains("sudo chmod a+rw " + folder.resolve("kvm")), advice);
  }

  @Test
  void aDeviceForAGroupNeedsItsMembers() throws Exception {
    Path device = Files.createFile(folder.resolve("kvm"));
    GroupPrincipal group =
        device.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName("games");
    var view = Files.getFileAttributeView(device, PosixFileAttributeView.class);
    try {
      view.setGroup(group);
    } catch (java.io.IOException e) {
      assumeFalse(true, "this user may not give a file to another group");
    }
    String advice = forbidden("rw-rw----");
    assertTrue(advice.contains("usermod -aG games $USER"), advice);
  }

  @Test
  void whatJavaLacksIsNamed() {
    String threads =
        Advice.line(new OutOfMemoryError("unable to create native thread: possibly out of memory"));
    assertTrue(threads.startsWith("unable to create native thread"), threads);
    assertTrue(threads.contains("ulimit -u"), threads);
    String heap = Advice.line(new OutOfMemoryError("Java heap space"));
    assertTrue(heap.contains("(Java heap space)") && heap.contains("-Xmx"), heap);
    String damaged = Advice.line(new NoClassDefFoundError("io/jkvm/X"));
    assertTrue(damaged.contains("io/jkvm/X") && damaged.contains("defect"), damaged);
  }

  @Test
  void aDeviceThatIsNotThereAnyMoreIsLookedAt() {
    String advice = Advice.of(Problem.KVM_FORBIDDEN, "/nonexistent/kvm");
    assertTrue(advice.contains("ls -l /nonexistent/kvm"), advice);
  }

  @Test
  void aFileThatGrewTooLargeIsKnownByItsErrorNumber() {
    LinuxException tooLarge = new LinuxException("write to k.log", Errno.EFBIG);
    for (Exception e : List.of(tooLarge, new IOException("the log is cut", tooLarge))) {
      assertEquals(e.getMessage() + "; raise the limit of file sizes (ulimit -f)", Advice.line(e));
    }
    LinuxException full = new LinuxException("write to EFBIG", Errno.ENOSPC);
    assertEquals(full.getMessage(), Advice.line(full));
  }
}
