// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Machine;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent as the init of a real guest: one boot, and everything that a command may do in it. */
@RequiresKvm
@Timeout(1200)
class AgentIT {
  private static final Map<String, String> PATH = Map.of("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
  private static GuestRoot root;
  private static Machine machine;
  private static GuestAgent agent;

  @BeforeAll
  static void boot() throws Exception {
    KernelSource kernel = KernelSource.of(ProjectFiles.guestImage("bzImage"));
    MachineSpec spec = MachineSpec.boot(kernel.image()).memoryMiB(64).build();
    root =
        GuestRoot.make(
            new RootSpec(
                RootSpec.Kind.INITRAMFS,
                Optional.empty(),
                Optional.of("sh"),
                "/work",
                true,
                "/usr/bin:/bin",
                "",
                List.of(),
                List.of()),
            kernel,
            spec);
    machine = start(spec);
    agent = machine.agent();
    agent.awaitReady();
  }

  private static Machine start(MachineSpec spec) {
    return Machine.start(root.boot(spec).toBuilder().commandLine("quiet").build());
  }

  @AfterAll
  static void end() throws InterruptedException {
    if (machine != null) {
      machine.close();
      root.close();
    }
  }

  private static CommandResult sh(String script) throws IOException, InterruptedException {
    return agent.run(GuestCommand.of("sh", "-c", script).environment(PATH));
  }

  @Test
  void statusesOfEverySort() throws Exception {
    assertEquals(22, sh("exit 22").status());
    assertEquals(128 + 11, sh("kill -SEGV $$").status());
    assertEquals(126, agent.run(GuestCommand.of("/etc")).status());
    assertEquals(127, agent.run(GuestCommand.of("nosuch")).status());
    sh(
        "echo x >/tmp/mode000; chmod 0 /tmp/mode000; echo '#!/no/where' >/tmp/lost;"
            + " chmod 755 /tmp/lost; printf '\\177ELF\\1\\1\\1' >/tmp/other; chmod 755 /tmp/other");
    for (String file : List.of("/tmp/mode000", "/tmp/lost", "/tmp/other")) {
      assertEquals(126, agent.run(GuestCommand.of(file)).status(), file);
    }
    assertEquals(0, machine.exec("/bin/busybox", "true").status());
  }

  @Test
  void bytesArriveAsTheyAre() throws Exception {
    CommandResult printed =
        agent.run(
            GuestCommand.of("printf", "<%s>\n", "a  b", "", "--", "$HOME", "it's", "x\ny", "*")
                .environment(PATH));
    assertEquals("<a  b>\n<>\n<-->\n<$HOME>\n<it's>\n<x\ny>\n<*>\n", printed.outputText());
    String longest = "y".repeat(100 << 10);
    assertEquals(
        longest,
        agent.run(GuestCommand.of("printf", "%s", longest).environment(PATH)).outputText());
    List<String> environment =
        agent
            .run(GuestCommand.of("/bin/busybox", "env").environment(Map.of("A", "1")))
            .outputText()
            .lines()
            .toList();
    assertEquals(
        List.of("A=1", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh"), environment);
  }

  @Test
  void streamsAreApartAndWhole() throws Exception {
    CommandResult both = sh("echo out; echo err >&2; seq 1 20000; exit 3");
    assertEquals(3, both.status());
    assertEquals("err\n", both.errorText());
    List<String> lines = both.outputText().lines().toList();
    assertEquals(20001, lines.size());
    assertEquals("20000", lines.get(20000));
  }

  @Test
  void inputIsHeldBackAndEnds() throws Exception {
    byte[] random = new byte[512 << 10];
    new Random(36).nextBytes(random);
    GuestTask cat = agent.start(GuestCommand.of("cat").environment(PATH));
    Thread writer =
        new Thread(
            () -> {
              try (var input = cat.input()) {
                input.write(random);
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    writer.start();
    assertArrayEquals(random, cat.output().readAllBytes());
    assertEquals(0, cat.await().shellStatus());
    assertEquals("", sh("cat").outputText());
  }

  @Test
  void whatACommandLeavesIsKilledAndReaped() throws Exception {
    CommandResult left = sh("(setsid sleep 1000 &); sleep 2000 & echo hi");
    assertEquals("hi\n", left.outputText());
    assertEquals(0, left.status());
    String processes = sh("ps -o stat,args").outputText();
    assertFalse(processes.contains("sleep"), processes);
    assertFalse(processes.lines().anyMatch(line -> line.startsWith("Z")), processes);
  }

  /** Nothing in the agent's work has a limit that a guest under load reaches. */
  @Test
  void aBusyGuestGetsItsCommandsDone() throws Exception {
    GuestTask load =
        agent.start(
            GuestCommand.of(
                    "sh", "-c", "for i in 1 2 3 4 5; do while :; do :; done & done; echo on; wait")
                .environment(PATH));
    assertEquals('o', load.output().read());
    CommandResult busy = sh("(sleep 1000 &); echo hi; exit 7");
    assertEquals("hi\n", busy.outputText());
    assertEquals(7, busy.status());
    load.signal(9, true);
    assertEquals(128 + 9, load.await().shellStatus());
  }

  /** By hand: each write adds its bits. */
  @Test
  void aTaintIsToldOnceByTheCommandThatBroughtIt() throws Exception {
    int warned = 1 << 9; // no other bit is looked at: a busy host may cause a soft lockup's
    String taint = "echo 512 >/proc/sys/kernel/tainted";
    assertEquals(0, sh("true").end().taint() & warned);
    assertEquals(warned, sh(taint + "; exit 3").end().taint() & warned);
    assertEquals(0, sh(taint).end().taint() & warned);
  }

  /** In one of threads no process can be begun; a machine of its own, since it stays so. */
  @Test
  @LongTest
  void whatCanNotBePutIntoAGroupIsKilledByItsSession() throws Exception {
    String spoil =
        "cd /sys/fs/cgroup; echo 0 >cgroup.procs; echo -memory >jkvm/cgroup.subtree_control;"
            + " echo threaded >jkvm/cgroup.type; cat jkvm/cgroup.type";
    MachineSpec spec = MachineSpec.boot(ProjectFiles.guestImage("bzImage")).memoryMiB(64).build();
    try (Machine other = start(spec)) {
      other.agent().awaitReady();
      CommandResult spoilt = other.exec("/bin/sh", "-c", spoil);
      assertEquals("threaded\n", spoilt.outputText(), spoilt.errorText());
      CommandResult left =
          other.exec("/bin/sh", "-c", "cat /proc/self/cgroup; sleep 2000 & exit 4");
      assertEquals("0::/\n", left.outputText(), left.errorText());
      assertEquals(4, left.status());
      assertTrue(left.end().leftoversKilled());
      String processes = other.exec("/bin/ps", "-o", "stat,args").outputText();
      assertFalse(processes.contains("sleep"), processes);
    }
  }

  @Test
  void theCommandHasAControlGroup() throws Exception {
    String group = sh("cat /proc/self/cgroup").outputText();
    assertTrue(group.contains("/jkvm/"), group);
  }

  @Test
  void aUserHasHisPipesAndDirectories() throws Exception {
    CommandResult user =
        agent.run(
            GuestCommand.of(
                    "sh",
                    "-c",
                    "id -u; echo x >/dev/stdout; pwd >out; cat out; stat -c %a:%u $XDG_RUNTIME_DIR")
                .environment(Map.of("PATH", PATH.get("PATH"), "XDG_RUNTIME_DIR", "/run/user/1234"))
                .user("1234")
                .directory("/work"));
    assertEquals("1234\nx\n/work\n700:1234\n", user.outputText(), user.errorText());
    CommandResult nosuch = agent.run(GuestCommand.of("true").environment(PATH).user("nosuch"));
    assertEquals(How.SETUP_FAILED, nosuch.end().how());
    assertEquals(125, nosuch.status());
  }

  @Test
  void theClockIsTheHosts() throws Exception {
    long before = Instant.now().getEpochSecond();
    long guest = Long.parseLong(sh("date +%s").outputText().strip());
    long after = Instant.now().getEpochSecond();
    assertTrue(guest >= before - 1 && guest <= after + 1, before + " " + guest + " " + after);
    machine.pause();
    machine.resume();
    assertEquals(0, sh("date -s @86400").status());
    agent.setTime();
    long from = Instant.now().getEpochSecond();
    long set = Long.parseLong(sh("date +%s").outputText().strip());
    assertTrue(set >= from - 2 && set <= Instant.now().getEpochSecond() + 1, from + " " + set);
  }

  @Test
  void aTerminalIsTheCommandsOwn() throws Exception {
    GuestTask shell =
        agent.start(
            GuestCommand.of("sh", "-c", "stty size; tty; cat; echo never")
                .environment(PATH)
                .terminal(new GuestCommand.Size(31, 97)));
    StringBuilder screen = new StringBuilder();
    while (!screen.toString().contains("/dev/pts/")) {
      screen.append((char) shell.output().read());
    }
    assertTrue(screen.toString().startsWith("31 97"), screen.toString());
    // By its second copy the program is known to run: a shell may lose a key at an exec.
    shell.input().write("copied\n".getBytes(UTF_8));
    while (!screen.toString().contains("copied\r\ncopied\r\n")) {
      screen.append((char) shell.output().read());
    }
    shell.input().write(3);
    assertEquals(128 + 2, shell.await().shellStatus());
  }

  @Test
  void filesGoBothWays() throws Exception {
    byte[] content = "some\0thing\n".getBytes(UTF_8);
    GuestTask write = agent.write("/tmp/copied", 0755);
    write.input().write(content);
    write.input().close();
    assertEquals(How.EXITED, write.await().how());
    assertEquals("755\n", sh("stat -c %a /tmp/copied").outputText());
    GuestTask read = agent.read(Path.of("/tmp/copied").toString());
    assertArrayEquals(content, read.output().readAllBytes());
  }

  @Test
  void theOomKillerTakesTheCommandAndNotTheAgent() throws Exception {
    assertEquals("-1000\n", sh("cat /proc/1/oom_score_adj").outputText());
    assertEquals("0\n", sh("cat /proc/self/oom_score_adj").outputText());
    assertEquals("1\n", sh("grep -c 'VmLck:.*[1-9]' /proc/1/status").outputText());
    // By hand: to fill a guest's memory takes minutes where KVM interprets its kernel.
    CommandResult killed = sh("echo f >/proc/sysrq-trigger; exec sleep 3600");
    assertEquals(128 + 9, killed.status(), killed.toString());
    assertEquals(0, sh("true").status());
  }
}
