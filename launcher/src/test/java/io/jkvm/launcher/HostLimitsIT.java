// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.launcher.report.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a process can be short of before and while Java starts: one line, status 3. */
@Guests
class HostLimitsIT {
  /** An ordinary user who has no other process: root has no limit of them. */
  private static final int USER = 54_321;

  @TempDir Path folder;

  private static JkvmProcess.Result after(String preparation, String... args) throws Exception {
    List<String> command =
        new ArrayList<>(List.of("sh", "-c", preparation + "; exec \"$@\"", "sh"));
    command.addAll(JkvmProcess.runCommand(args));
    return JkvmProcess.run(JkvmProcess.STOP_SECONDS, command);
  }

  @ParameterizedTest
  @CsvSource({
    "-n 16, open files is 16, ulimit -n 1024",
    "-v 1000000, address space is 1024000000, ulimit -v unlimited",
    "-d 20000, data size is 20480000, ulimit -d unlimited",
    "-s 32, stack size is 32768, ulimit -s 8192"
  })
  void aLimitBelowJavasNeedsIsNamed(String limit, String facts, String advice) throws Exception {
    BadFiles.assertOneLine(after("ulimit " + limit), ExitStatus.HOST, facts, "too low", advice);
  }

  @Test
  @RequiresKvm
  void memoryBeyondALimitIsToldWithTheLimits() throws Exception {
    JkvmProcess.Result result =
        after(
            "ulimit -v 5000000",
            "--quiet",
            "--mem=4G",
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString());
    BadFiles.assertOneLine(result, ExitStatus.HOST, "mmap", "ENOMEM", "--mem", "ulimit -v");
  }

  @Test
  @RequiresKvm
  void aPlaceForTemporaryFilesThatIsNoneIsNamedOnce() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    JkvmProcess.Result result =
        after(
            "export JKVM_JAVA_OPTIONS=-Djava.io.tmpdir=" + file,
            "--quiet",
            "--net=user",
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString());
    BadFiles.assertOneLine(
        result,
        ExitStatus.HOST,
        "passt's socket in " + file + ": Not a directory",
        "-Djava.io.tmpdir=");
  }

  @Test
  @RequiresKvm
  void anOutputBeyondTheLimitOfFileSizesIsNamed() throws Exception {
    JkvmProcess.Result result =
        after(
            "ulimit -f 1; exec >" + folder.resolve("out"),
            "--quiet",
            "--kernel",
            ProjectFiles.guestImage("bzImage").toString());
    BadFiles.assertOneLine(
        result, ExitStatus.HOST, "write to standard output: EFBIG", "(ulimit -f)");
  }

  /** A guest's programs would not find their libraries, and nothing said why. */
  @Test
  @RequiresKvm
  void fewDescriptorsForSharesAreToldAndNoEnd() throws Exception {
    List<String> arguments =
        List.of("--quiet", "--timeout=1s", "--mem=64M", "--share", folder.toString(), "--kernel");
    List<String> all = new ArrayList<>(arguments);
    all.add(TinyKernel.write(folder).toString());
    JkvmProcess.Result result = after("ulimit -n 256", all.toArray(String[]::new));
    assertEquals(ExitStatus.TIMEOUT, result.status(), result::toString);
    assertTrue(result.err().contains("may have 256 files open"), result::toString);
    assertTrue(result.err().contains("ulimit -Hn"), result::toString);
  }

  /** As in a container whose image is all there is. */
  @Test
  @RequiresKvm
  void nothingIsToldOfPlacesThatCanNotBeWrittenTo() throws Exception {
    JkvmProcess.Result result =
        after(
            "export XDG_CACHE_HOME=/dev/null/x JKVM_JAVA_OPTIONS=-Djava.io.tmpdir=/dev/null/x",
            "--quiet",
            "--timeout=1s",
            "--mem=64M",
            "--kernel",
            TinyKernel.write(folder).toString());
    assertEquals(ExitStatus.TIMEOUT, result.status(), result::toString);
    assertEquals(1, result.err().lines().count(), result::toString);
  }

  @Test
  void tooFewProcessesAreNamed() throws Exception {
    assumeTrue(BadFiles.isRoot(), "only root may become a user who has no other process");
    Path home = folder.resolve("jkvm");
    BadFiles.copyTree(JkvmProcess.binary().getParent().getParent(), home);
    BadFiles.chmod(folder, "rwxr-xr-x");
    String user = "setpriv --reuid=" + USER + " --regid=" + USER + " --clear-groups ";
    List<String> command =
        List.of("sh", "-c", user + "prlimit --nproc=12 " + home + "/bin/jkvm run");
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, command),
        ExitStatus.HOST,
        "limit of processes is 12",
        "ulimit -u");
  }

  @Test
  void aDeletedCurrentDirectoryIsNamed() throws Exception {
    JkvmProcess.Result result =
        after("mkdir " + folder + "/gone && cd " + folder + "/gone && rmdir " + folder + "/gone");
    assertEquals(ExitStatus.HOST, result.status(), result::toString);
    assertEquals("", result.out());
    // The shell itself may have a word to say before.
    String last = result.err().lines().reduce((first, second) -> second).orElse("");
    assertTrue(last.startsWith("jkvm: the current directory has been deleted;"), result::toString);
  }

  @Test
  void aMissingProcIsNamed() throws Exception {
    assumeTrue(BadFiles.isRoot(), "only root may unmount");
    List<String> command =
        new ArrayList<>(
            List.of("unshare", "-m", "sh", "-c", "umount -l /proc && exec \"$@\"", "sh"));
    command.addAll(JkvmProcess.runCommand());
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, command),
        ExitStatus.HOST,
        "/proc is not mounted",
        "mount -t proc");
  }
}
