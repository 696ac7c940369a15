// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.launcher.report.ExitStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong usage as the user meets it: one line, status 2; and how {@code bin/jkvm} is started. */
@Guests
class BadUsageIT {
  @TempDir Path folder;

  static Stream<Arguments> isOneLine() {
    return Stream.of(
        Arguments.of("--fast", "Unknown option"),
        Arguments.of("--mem=1M", "give at least 64M"),
        Arguments.of("--cpuid=-warp", "unknown processor feature 'warp'; use the names of"),
        Arguments.of("--disk=x.img,rw", "unknown disk option 'rw' in 'x.img,rw'; there are"),
        Arguments.of(
            "--net=bridge=br0", "unknown network 'bridge=br0'; there are user, passt=PATH"),
        Arguments.of("--net=user,mac=01:00:5e:00:00:01", "is a multicast address"),
        Arguments.of("--net=tap=t,queues=17", "queues=17 is not a number from 1 to 16"),
        Arguments.of("--net=user,rate=0", "rate=0 lets nothing through"),
        Arguments.of("--publish=8080", "port forward '8080' is not [ADDRESS:]PORT:GUESTPORT"),
        Arguments.of("--boot=uefi", "'uefi' is none of direct, bzimage, bios, pvh"));
  }

  @ParameterizedTest
  @MethodSource
  void isOneLine(String option, String why) throws Exception {
    JkvmProcess.Result result = JkvmProcess.run(option);
    BadFiles.assertOneLine(result, ExitStatus.USAGE, why, "jkvm run --help");
  }

  /** Through a symbolic link, from another folder, with spaces in all the paths. */
  @Test
  void startsFromAnywhere() throws Exception {
    Path home = folder.resolve("a home");
    BadFiles.copyTree(JkvmProcess.binary().getParent().getParent(), home);
    Path work = Files.createDirectory(folder.resolve("at work"));
    Path link = Files.createSymbolicLink(work.resolve("my jkvm"), home.resolve("bin/jkvm"));
    JkvmProcess.Result result =
        JkvmProcess.run(
            JkvmProcess.STOP_SECONDS,
            List.of("sh", "-c", "cd '" + work + "' && '" + link + "' run --kernel 'no file'"));
    BadFiles.assertOneLine(result, ExitStatus.HOST, "kernel no file", "does not exist");
  }

  @Test
  void aHomeThatAClassPathCantNameIsRefused() throws Exception {
    Path bin = Files.createDirectories(folder.resolve("a:b/bin"));
    Path copy = Files.copy(JkvmProcess.binary(), bin.resolve("jkvm"));
    JkvmProcess.Result result =
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, List.of(copy.toString(), "run"));
    BadFiles.assertOneLine(result, ExitStatus.HOST, "a:b has a ':' in its name", "move it");
  }

  @Test
  void theJvmTakesNoOrdersFromOtherProcessesUnlessItIsTold() throws Exception {
    Path java = Files.createDirectories(folder.resolve("jvm/bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho \"$@\"\n");
    BadFiles.chmod(java, "rwxr-xr-x");
    List<String> command =
        new ArrayList<>(
            List.of(
                "env",
                "JAVA_HOME=" + folder.resolve("jvm"),
                "JKVM_JAVA_OPTIONS=-XX:-DisableAttachMechanism"));
    command.addAll(JkvmProcess.runCommand());
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.STOP_SECONDS, command);
    assertEquals(ExitStatus.OK, result.status(), result::toString);
    int shut = result.out().indexOf(" -XX:+DisableAttachMechanism ");
    assertTrue(shut > 0, result::toString);
    // The last one counts.
    assertTrue(result.out().indexOf(" -XX:-DisableAttachMechanism ") > shut, result::toString);
  }

  /** Without a locale the JVM would read "?" for every letter that is not ASCII. */
  @ParameterizedTest
  @MethodSource("locales")
  void namesNeedNoLocale(Map<String, String> locale) throws Exception {
    Path kernel = Files.writeString(folder.resolve("größe-日本"), "text");
    List<String> command =
        new ArrayList<>(List.of("env", "-u", "LC_ALL", "-u", "LC_CTYPE", "-u", "LANG"));
    locale.forEach((name, value) -> command.add(name + "=" + value));
    command.addAll(JkvmProcess.runCommand("--kernel"));
    command.add("größe-日本");
    JkvmProcess.Result result =
        JkvmProcess.run(
            JkvmProcess.STOP_SECONDS,
            List.of(
                "sh",
                "-c",
                // By a pattern: how this JVM passes the name depends on its own locale.
                "cd "
                    + folder
                    + " && exec "
                    + String.join(" ", command.subList(0, command.size() - 1))
                    + " gr*"));
    BadFiles.assertOneLine(result, ExitStatus.HOST, kernel.getFileName() + " is a text file");
  }

  static Stream<Map<String, String>> locales() {
    return Stream.of(
        Map.of(), Map.of("LC_ALL", "C"), Map.of("LANG", "POSIX"), Map.of("LANG", "xx_XX.UTF-8"));
  }

  @Test
  void aNameInAnotherEncodingIsRefusedAsSuch() throws Exception {
    String run = "exec \"$@\" \"--disk=$(printf 'gr\\366\\337e')\"";
    List<String> command = new ArrayList<>(List.of("env", "LC_ALL=C.UTF-8", "sh", "-c", run, "sh"));
    command.addAll(JkvmProcess.runCommand());
    BadFiles.assertOneLine(
        JkvmProcess.run(JkvmProcess.STOP_SECONDS, command),
        ExitStatus.USAGE,
        "'--disk=gr??e' is not text in this locale's encoding, UTF-8");
  }

  @Test
  void aDirectoryWhoseNameIsInAnotherEncodingIsNamedAsTheCause() throws Exception {
    String run = "cd " + folder + "; d=$(printf 'gr\\366\\337e'); mkdir $d; cd $d; exec \"$@\"";
    List<String> command = new ArrayList<>(List.of("env", "LC_ALL=C.UTF-8", "sh", "-c", run, "sh"));
    command.addAll(JkvmProcess.runCommand("--kernel=k"));
    JkvmProcess.Result result = JkvmProcess.run(JkvmProcess.STOP_SECONDS, command);
    assertEquals(ExitStatus.HOST, result.status(), result::toString);
    String first = "jkvm: this directory's name is not text in this locale's encoding, UTF-8";
    assertTrue(result.err().startsWith(first), result::toString);
  }

  @Test
  void helpThatIsLostIsNoSuccess() throws Exception {
    JkvmProcess.Result result = printed("test --print-config >/dev/full");
    assertEquals(125, result.status(), result::toString);
    String lost = "standard output can't be written: No space left on device";
    assertEquals("jkvm: setup, status 125: " + lost + "\n", result.err());
    result = printed("--help >/dev/full");
    assertEquals(ExitStatus.HOST, result.status(), result::toString);
    assertEquals("jkvm: " + lost + "\n", result.err());
  }

  @Test
  void helpThatNobodyReadsIsNoError() throws Exception {
    String unread = "exec 3> >(:); wait $!; exec \"$0\" test --help >&3";
    JkvmProcess.Result result = bash(unread);
    assertEquals(0, result.status(), result::toString);
    assertEquals("", result.err());
  }

  private static JkvmProcess.Result printed(String arguments) throws Exception {
    return bash("exec \"$0\" " + arguments);
  }

  private static JkvmProcess.Result bash(String script) throws Exception {
    return JkvmProcess.run(
        JkvmProcess.STOP_SECONDS, List.of("bash", "-c", script, JkvmProcess.binary().toString()));
  }

  @Test
  void verboseGivesTheTrace() throws Exception {
    JkvmProcess.Result result = JkvmProcess.run("--verbose", "--kernel", "/etc/hostname");
    assertEquals(ExitStatus.HOST, result.status(), result::toString);
    assertTrue(result.err().contains("kernel /etc/hostname is a text file"), result::toString);
    assertTrue(result.err().contains("\tat io.jkvm."), result::toString);
  }
}
