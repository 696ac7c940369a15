// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.StopReason;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.testing.TestOutcome;
import java.io.FilterWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Wrong usage, in this process; {@link BadUsageIT} has some of it as the user meets it. */
class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int execute(String... args) {
    return Main.execute(new PrintWriter(out, true), new PrintWriter(err, true), args);
  }

  static Stream<Arguments> wrongUsage() {
    return Stream.of(
        usage("what to do?"),
        usage("unexpected argument: 'walk'", "walk"),
        usage("unexpected argument: 'walk'", "help", "walk"),
        usage("Unknown option: '--fast'", "run", "--fast"),
        usage("; with jkvm: --cpuid", "run", "--cpu", "host"),
        usage("'-append'; with jkvm: --cmdline TEXT", "run", "-k", "k", "-append", "quiet"),
        usage("'-kernel'; with jkvm: --kernel FILE", "run", "-kernel", "bzImage"),
        usage("'-cmdline'; did you mean --cmdline?", "run", "-cmdline", "quiet"),
        usage("'-kvm=/dev/kvm'; did you mean --kvm=/dev/kvm?", "run", "-kvm=/dev/kvm"),
        usage("'-nographic'; with jkvm: leave it out", "run", "-nographic"),
        usage("'-daemonize'; with jkvm: leave it out", "run", "-k", "k", "-daemonize"),
        usage("'-chardev'; with jkvm: leave it out", "run", "-k", "k", "-chardev", "x"),
        usage("'-mem-path'; with jkvm: leave it out", "run", "-k", "k", "-mem-path", "/x"),
        usage("'-fw_cfg'; with jkvm: leave it out", "run", "-k", "k", "-fw_cfg", "x"),
        usage("'-smp'; with jkvm: --cpus N", "run", "-m", "1G", "-smp", "2"),
        usage("with jkvm: --disk FILE", "run", "--rw"),
        usage("with jkvm: --cmdline TEXT", "run", "-p", "quiet"),
        usage("did you mean --timeout", "run", "--timeot", "1s"),
        usage("unexpected argument: 'bzImage'", "run", "bzImage"),
        usage("'abc' is not a number", "run", "--cpus", "abc"),
        usage("--mem", "run", "--mem"),
        usage("only once", "run", "--mem", "64M", "--mem", "65M"),
        usage("--mem: '1M' is too small", "run", "--mem", "1M"),
        usage("--mem: 'much' is not a size", "run", "--mem", "much"),
        usage("--timeout: 'soon' is not a time", "run", "--timeout", "soon"),
        usage("'uefi' is none of direct, bzimage, bios, pvh", "run", "--boot=uefi"),
        usage("unknown disk option 'rw'", "run", "-k", "k", "--disk", "/no/disk,rw"),
        usage("--disk: '' names no file", "run", "-k", "k", "--disk", ""),
        usage("--disk 'gr??e' is not text in", "run", "-k", "k", "--disk", "gr\uFFFD\uFFFDe"),
        usage("'--initrd=\u00fc?' is not text in", "run", "-k", "k", "--initrd=\u00fc\uFFFD"),
        usage("set LC_ALL to a locale that fits", "run", "-k", "\uFFFD"),
        usage("--kernel: '' names no file", "run", "--kernel", ""),
        usage("--initrd: '' names no file", "run", "-k", "k", "--initrd", ""),
        usage(
            "--net: unknown network 'bridge'; there are user,",
            "run",
            "-k",
            "k",
            "--net",
            "bridge"),
        usage("--net: unknown network ''", "run", "-k", "k", "--net="),
        usage("--net: rate=0 lets nothing", "run", "-k", "k", "--net", "--net=user,rate=0"),
        usage("--net: queues=99 is not", "run", "-k", "k", "--net", "tap=t,queues=99"),
        usage("--publish: port forward '80'", "run", "-k", "k", "--publish", "80"),
        usage("twice", "run", "-k", "k", "--publish", "8080:80", "--publish", "8080:81"),
        usage("add --net user", "run", "-k", "k", "--net=tap=t", "--publish", "8080:80"),
        usage("--cpuid: no feature given", "run", "--cpuid"),
        usage("--cpuid: unknown processor feature 'warp'", "run", "--cpuid", "-cx16,+warp"),
        usage("--cpuid: unknown processor feature 'warp'", "run", "--cpuid=-warp"));
  }

  private static Arguments usage(String why, String... args) {
    return Arguments.of(why, args);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void wrongUsage(String why, String[] args) {
    assertEquals(ExitStatus.USAGE, execute(args));
    String text = err.toString();
    assertEquals(1, text.lines().count(), text);
    assertTrue(text.startsWith("jkvm: "), text);
    assertTrue(text.contains(why), text);
    assertTrue(text.contains("--help'"), text);
  }

  static Stream<Arguments> wrongUsageOfCommandsInAGuest() {
    return Stream.of(
        usage("no command; write it behind '--' (see 'jkvm test --help')", "test"),
        usage("no command", "test", "-k", "k", "--"),
        usage("--repeat and --jobs are 1 or more", "test", "--repeat", "0", "--", "true"),
        usage("--repeat and --jobs are 1 or more", "test", "--jobs=-1", "--", "true"),
        usage("'--repeat'", "test", "--repeat", "often", "--", "true"),
        usage("1000000 runs at most", "test", "-ka", "-kb", "--repeat", "500001", "--", "true"),
        usage("--log: ./k would be overwritten", "test", "-k", "k", "--log", "./k", "--", "true"),
        usage("--junit: no file is named", "test", "-k", "k", "--junit", "", "--", "true"),
        usage("--log: d.img", "test", "-k", "k", "-dd.img,ro", "--log", "d.img", "--", "true"),
        usage("--log: i would be", "test", "-kk", "--root", "i", "--log", "i", "--", "true"),
        usage("--log: ./k-2 would", "test", "-k./k-2", "--log=k", "--repeat=2", "--", "true"),
        usage(
            "--log: j-1.x would",
            "test",
            "-kk",
            "--log=./j.x",
            "--junit=j-1.x",
            "--repeat=9",
            "--",
            "t"),
        usage("--log: no file is", "test", "-kk", "--log=/", "--", "true"),
        usage("--log: no file is", "test", "-kk", "--log=x/..", "--repeat=2", "--", "true"),
        usage("/dev/null is no file", "test", "-kk", "--log=/dev/null", "--repeat=2", "--", "t"),
        usage("--json: ./r would be", "test", "-kk", "--junit=r", "--json=./r", "--", "true"),
        usage("--log: k would be overwritten", "shell", "-k", "k", "--log", "k"),
        usage("--log: f would be", "test", "-kk", "--include=./f:/g", "--log=f", "--", "true"),
        usage("--json: t would be", "test", "-kk", "--json=t", "--", "./t"),
        usage("--json: /x/t would be", "test", "-kk", "-C/x", "--json=/x/t", "--", "./t"),
        usage("--fail-on: no kind", "test", "-k", "k", "--fail-on", "nonsense", "--", "true"),
        usage("there are panic, oops,", "test", "-k", "k", "--fail-on=oops,x", "--", "true"),
        usage("--timeout: 'soon' is not", "test", "-k", "k", "-t", "soon", "--", "true"),
        usage("--stall: 'late' is not", "test", "-k", "k", "--stall", "late", "--", "true"),
        usage("--env: '=x' has no name", "test", "-k", "k", "-e", "=x", "--", "true"),
        usage("'--stop-on'", "test", "-k", "k", "--stop-on", "rain", "--", "true"),
        usage("with jkvm: --kernel FILE (see 'jkvm test -", "test", "-kernel", "k", "--", "true"),
        usage("Unknown option: '--fast'", "test", "--fast", "--", "true"),
        usage("'-k ??' is not text", "test", "-k \uFFFD\uFFFD", "--", "true"),
        usage("'k?' is not text", "test", "--module", "k\uFFFD", "--", "true"),
        usage("--kernel: one is enough", "shell", "-k", "a", "-k", "b"),
        usage("'-append'; with jkvm: --cmdline TEXT (see 'jkvm shell", "shell", "-append", "x"),
        usage("Unknown option: '--junit'", "shell", "--junit", "x"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void wrongUsageOfCommandsInAGuest(String why, String[] args) {
    // A status below that could be the command's own.
    assertEquals(TestOutcome.SETUP, execute(args), err::toString);
    String text = err.toString();
    assertEquals(1, text.lines().count(), text);
    assertTrue(text.startsWith("jkvm: setup, status 125: "), text);
    assertTrue(text.contains(why), text);
    assertTrue(text.contains("--help'"), text);
  }

  /** A report of an earlier run must not be taken for this one's. */
  @Test
  void aTreeWithoutAKernelIsInTheReport(@TempDir Path tree) throws Exception {
    Path report = Files.writeString(tree.resolve("report.json"), "passed");
    String[] args = {"test", "-k", tree.toString(), "--json", report.toString(), "--", "true"};
    assertEquals(TestOutcome.SETUP, execute(args), err::toString);
    assertTrue(err.toString().contains("has no kernel"), err::toString);
    assertTrue(Files.readString(report).contains("has no kernel"), "the report");
  }

  /** The same file by a link's directory, and one that is written to and is no file. */
  @Test
  void aFileIsTheSameByAnyName(@TempDir Path folder) throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
    String log = folder.resolve("new").toString();
    String[] args = {"test", "-kk", "--log", log, "--json", link.resolve("new") + "", "--", "true"};
    assertEquals(TestOutcome.SETUP, execute(args));
    assertTrue(err.toString().contains("--json: "), err::toString);
    assertTrue(err.toString().contains("--log is the same file"), err::toString);
    err.getBuffer().setLength(0);
    Path linked = Files.createSymbolicLink(folder.resolve("kernel"), folder.resolve("log-2"));
    Files.createFile(folder.resolve("log-2"));
    String one = folder.resolve("log").toString();
    String[] each = {"test", "-k" + linked, "--log", one, "--repeat=2", "--", "true"};
    assertEquals(TestOutcome.SETUP, execute(each));
    assertTrue(err.toString().contains("--log: " + linked + " would be"), err::toString);
    err.getBuffer().setLength(0);
    String[] first = {"test", "-k" + linked, "--log", one, "--repeat=1", "--", "true"};
    assertEquals(TestOutcome.SETUP, execute(first));
    assertFalse(err.toString().contains("overwritten"), err::toString);
    err.getBuffer().setLength(0);
    String[] streams = {"test", "-kk", "--log=/dev/null", "--json=/dev/null", "--", "true"};
    assertEquals(TestOutcome.SETUP, execute(streams));
    assertFalse(err.toString().contains("overwritten"), err::toString);
  }

  @ParameterizedTest
  @ValueSource(strings = {"test", "shell", "run"})
  void anErrorOfJavasHasTheCommandsStatus(String command) {
    Writer full =
        new FilterWriter(out) {
          @Override
          public void write(String text, int from, int length) {
            throw new OutOfMemoryError("Java heap space");
          }
        };
    int status = Main.execute(new PrintWriter(full), new PrintWriter(err, true), command, "--help");
    boolean isRun = command.equals("run");
    assertEquals(isRun ? ExitStatus.HOST : TestOutcome.SETUP, status);
    String text = err.toString();
    assertEquals(1, text.lines().count(), text);
    String line =
        isRun ? "jkvm: Java has no memory" : "jkvm: setup, status 125: Java has no memory";
    assertTrue(text.startsWith(line), text);
  }

  static Stream<Arguments> argumentsOfACommandInAGuest() {
    return Stream.of(
        usage("foreign", "--", "qemu", "-kernel", "bzImage"),
        usage("ours with one dash", "--", "x", "-cmdline", "quiet"),
        usage("no text", "--", "x", "gr\uFFFD\uFFFDe"),
        usage("without dashes", "./x", "-append", "gr\uFFFDe"),
        usage("ours in its place", "x", "--repeat", "0", "--junit", "/no/file/x.xml"),
        usage("a second --", "--", "x", "--", "-nographic", "--fast"),
        usage("behind a short one with its value", "-vm", "128M", "x", "-append"),
        usage("behind an option without a value", "-q", "x", "-append"),
        usage("behind two values", "--include", "/a", "--cwd", "/", "x", "-append"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void argumentsOfACommandInAGuest(String what, String[] args) {
    for (String command : new String[] {"test", "shell"}) {
      List<String> all = new ArrayList<>(List.of(command, "-k", "/no/kernel"));
      all.addAll(List.of(args));
      assertEquals(TestOutcome.SETUP, execute(all.toArray(String[]::new)), err::toString);
    }
    // Got beyond the options: the kernel is what is wrong.
    List<String> last =
        err.toString().lines().filter(line -> line.contains("status 125: ")).toList();
    assertEquals(2, last.size(), err.toString());
    assertTrue(last.stream().allMatch(line -> line.contains("/no/kernel")), last::toString);
  }

  @Test
  void aCommandsNameIsNoSubcommand() {
    execute("test", "-k", "/no/kernel", "--", "run", "--fast");
    String text = err.toString();
    assertTrue(text.contains("jkvm: setup, status 125: "), text);
    assertTrue(text.contains("/no/kernel"), text);
  }

  @Test
  void printsTheConfigurationThatAKernelNeeds() {
    assertEquals(0, execute("test", "--print-config", "--root", "initramfs"));
    String text = out.toString();
    assertTrue(text.contains("\nCONFIG_SERIAL_8250_CONSOLE=y\n"), text);
    for (String other : List.of("KUNIT", "VIRTIO_FS", "VIRTIO_BLK", "VIRTIO_NET", "OVERLAY_FS")) {
      assertFalse(text.contains("CONFIG_" + other + "=y"), text);
    }
    assertTrue(text.lines().allMatch(line -> line.matches("|#.*|CONFIG_[A-Z0-9_]+=y")), text);
    assertEquals("", err.toString());
  }

  @Test
  void theBestRootIsAskedForIfNoneIs() {
    assertEquals(0, execute("test", "--print-config"));
    String text = out.toString();
    for (String needed : List.of("VIRTIO_FS", "FUSE_FS", "OVERLAY_FS", "TMPFS")) {
      assertTrue(text.contains("\nCONFIG_" + needed + "=y\n"), text);
    }
  }

  @Test
  void printsWhatTheOtherOptionsNeedToo() {
    assertEquals(
        0, execute("test", "--print-config", "--root", "r.img", "--net", "--kunit", "--module=m"));
    String text = out.toString();
    for (String needed :
        List.of("KUNIT", "VIRTIO_BLK", "VIRTIO_NET", "OVERLAY_FS", "MODULES", "EXT4_FS")) {
      assertTrue(text.contains("\nCONFIG_" + needed + "=y\n"), text);
    }
    assertFalse(text.contains("CONFIG_VIRTIO_FS=y"), text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run", "test", "shell"})
  void helpOfEachCommand(String command) {
    assertEquals(ExitStatus.OK, execute("help", command));
    String asked = out.toString();
    out.getBuffer().setLength(0);
    assertEquals(ExitStatus.OK, execute(command, "--help"));
    assertEquals(out.toString(), asked);
    assertTrue(asked.startsWith("Usage: jkvm " + command), asked);
    assertTrue(asked.contains("--kernel"), asked);
    assertTrue(asked.contains("Examples:"), asked);
    assertEquals("", err.toString());
  }

  @Test
  void helpOfTestHasEachClassOfEnd() {
    execute("help", "test");
    String words = out.toString().replaceAll("\\s+", " ");
    for (EndClass end : EndClass.values()) {
      boolean isShown = end != EndClass.EXITED && end != EndClass.INTERRUPTED;
      assertTrue(!isShown || words.contains(end.word() + ": "), end + " in " + words);
    }
  }

  @Test
  void cpuidTakesChangesInTheNextArgumentOrTheSame() {
    // Got beyond the options: the kernel is what is wrong.
    assertEquals(
        ExitStatus.HOST,
        execute("run", "-k", "/no/kernel", "--cpuid", "-cx16,-avx", "--cpuid=+aes,"));
    String text = err.toString();
    assertTrue(text.contains("/no/kernel"), text);
  }

  @Test
  void whatLooksForeignIsTakenAsAValueAndShortOptionsAsBefore() {
    assertEquals(ExitStatus.HOST, execute("run", "-k/no/kernel", "--cmdline", "-append", "-m64M"));
    String text = err.toString();
    assertTrue(text.contains("/no/kernel"), text);
  }

  @Test
  void aFileNameMayBeginWithADash() {
    for (String[] args :
        new String[][] {
          {"run", "-k", "-x.img"},
          {"run", "--kernel=-x.img"},
          {"run", "-k", "./-m"},
          {"run", "-k", "k", "--disk=-append"},
          {"run", "-k", "k", "--disk", "-x.img"}
        }) {
      assertEquals(ExitStatus.HOST, execute(args), () -> String.join(" ", args) + err);
    }
  }

  @Test
  void bareNetTakesNoOtherOption() {
    assertEquals(
        ExitStatus.HOST, execute("run", "--net", "--kernel", "/no/kernel", "--net", "--quiet"));
    String text = err.toString();
    assertTrue(text.contains("/no/kernel"), text);
  }

  @Test
  void anAtSignIsNoFileOfArguments() {
    assertEquals(ExitStatus.HOST, execute("run", "-k", "@/etc/hostname"));
    String text = err.toString();
    assertTrue(text.contains("@/etc/hostname"), text);
  }

  @Test
  void helpAndVersionAreNoErrors() {
    assertEquals(ExitStatus.OK, execute("--help"));
    assertEquals(ExitStatus.OK, execute("run", "--help"));
    assertEquals(ExitStatus.OK, execute("help"));
    assertEquals(ExitStatus.OK, execute("help", "run"));
    assertEquals(ExitStatus.OK, execute("--version"));
    String text = out.toString();
    assertTrue(text.contains("--cmdline-only=TEXT"), text);
    assertTrue(text.contains("Exit status"), text);
    String words = text.replaceAll("\\s+", " ");
    assertTrue(words.contains("with </dev/null nobody can type, and it runs until"), text);
    assertEquals("", err.toString());
  }

  @ParameterizedTest
  @EnumSource(StopReason.Kind.class)
  void everyEndHasItsStatus(StopReason.Kind kind) {
    int expected =
        switch (kind) {
          case GUEST_RESET, GUEST_POWER_OFF, GUEST_HALT, REQUESTED -> 0;
          case GUEST_PANIC, GUEST_DEAD, TRIPLE_FAULT, EMULATION_FAILURE, VCPU_FAILURE -> 4;
          case HOST_FAILURE -> 3;
          case TIMEOUT -> 124;
          case HOST_SIGNAL -> 128;
        };
    assertEquals(expected, ExitStatus.of(new StopReason(kind, "")));
  }
}
