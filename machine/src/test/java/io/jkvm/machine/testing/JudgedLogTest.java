// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.results.EndClass;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a run ended, with all of the kernel's log: what counts more than what. */
class JudgedLogTest {
  private static final CommandEnd PASSED = new CommandEnd(How.EXITED, 0, false, false, "");
  private static final CommandEnd KILLED = new CommandEnd(How.SIGNALLED, 9, false, false, "");
  private static final FailOn ALL = new FailOn(EnumSet.allOf(KernelEventKind.class));

  private final KernelWatch watch = new KernelWatch(() -> {});
  private Optional<StopReason> stop = Optional.empty();

  private Judge judge(FailOn failOn) {
    RunClock clock = new RunClock(Optional.empty(), Optional.empty(), new FakeTime());
    return new Judge(failOn, clock, () -> stop, watch);
  }

  /** The last word about a command that has ended and a log. */
  private ProvisionalEnd of(CommandEnd end, FailOn failOn, String... logs) {
    Judge judge = judge(failOn);
    ProvisionalEnd ending = judge.look(new RunFacts().finished(end).state()).orElseThrow();
    return refined(judge, ending, logs);
  }

  private ProvisionalEnd refined(Judge judge, ProvisionalEnd ending, String... logs) {
    for (String log : logs) {
      watch.accept(RunFacts.utf8(log));
    }
    watch.finish();
    return judge.refine(ending, stop.isEmpty(), Optional.empty());
  }

  @Test
  void withoutAWordOfTheKernelsTheCommandsEndStands() {
    ProvisionalEnd ending = of(PASSED, ALL, "[    0.000000] Linux version 6.1.119 (a@b) #1 SMP\n");
    assertEquals(EndClass.EXITED, ending.end());
    assertEquals(Optional.of(PASSED), ending.commandEnd());
    assertEquals(Optional.empty(), ending.decisive());
  }

  @Test
  void aPanicCountsMoreThanACommandThatPassed() {
    ProvisionalEnd ending = of(PASSED, FailOn.DEFAULT, RunFacts.log("panic"));
    assertEquals(EndClass.PANIC, ending.end());
    assertTrue(ending.detail().contains("sysrq triggered crash"), ending::detail);
    assertEquals(7, ending.decisive().orElseThrow().line());
  }

  @Test
  void aPanicCountsMoreThanTheOopsBeforeIt() {
    String panic = "[   11.000000] Kernel panic - not syncing: Fatal exception\n";
    ProvisionalEnd ending = of(PASSED, ALL, RunFacts.survived("oops-6.12"), panic);
    assertEquals(EndClass.PANIC, ending.end());
    assertTrue(ending.detail().contains("Fatal exception"), ending::detail);
  }

  /** The WARN that caused it is not the end. */
  @Test
  void aWarningUnderPanicOnWarnIsAPanic() {
    assertEquals(EndClass.PANIC, of(PASSED, ALL, RunFacts.log("panic-on-warn")).end());
  }

  @Test
  void aPanicCountsAlsoForARunThatItsUserEnded() {
    ProvisionalEnd interrupted = ProvisionalEnd.of(EndClass.INTERRUPTED, "ended by its user");
    Judge judge = judge(FailOn.DEFAULT);
    assertEquals(EndClass.PANIC, refined(judge, interrupted, RunFacts.log("panic")).end());
  }

  @Test
  void anOopsDoesNotChangeThatItsUserEndedIt() {
    ProvisionalEnd interrupted = ProvisionalEnd.of(EndClass.INTERRUPTED, "ended by its user");
    Judge judge = judge(ALL);
    assertEquals(interrupted, refined(judge, interrupted, RunFacts.survived("oops-6.12")));
  }

  @ParameterizedTest
  @CsvSource({
    "oops-6.12, oops",
    "kernel-bug, oops",
    "bugs, oops",
    "lockups, lockup",
    "stalls, lockup",
  })
  void failuresBeatAPassAndTellItsStatus(String log, String word) {
    ProvisionalEnd ending = of(PASSED, FailOn.DEFAULT, RunFacts.survived(log));
    assertEquals(word, ending.end().word());
    assertTrue(ending.detail().endsWith("; the command: status 0"), ending::detail);
    assertEquals(Optional.of(PASSED), ending.commandEnd());
    assertTrue(ending.decisive().isPresent());
  }

  @ParameterizedTest
  @CsvSource({
    "warnings, oops",
    "hung-task, lockup",
    "lockdep, oops",
    "sanitizers, oops",
    "kmemleak, oops",
    "oom, out-of-memory",
  })
  void whatElseFailsIsForTheUserToSay(String log, String word) {
    assertEquals(EndClass.EXITED, of(PASSED, FailOn.DEFAULT, RunFacts.survived(log)).end());
    assertEquals(
        word,
        judge(ALL)
            .refine(ProvisionalEnd.of(EndClass.EXITED, "x", PASSED), true, Optional.empty())
            .end()
            .word());
  }

  /** Not what a letter does not stand for, nor what a report in the log accounts for. */
  @ParameterizedTest
  @CsvSource({
    "7, , oops, the kernel had an oops",
    "14, , lockup, the kernel had a soft lockup",
    "5, , oops, the kernel had a bad page",
    "9, , exited, status 0",
    "12, , exited, status 0",
    "7, hung-task, oops, the kernel had an oops",
    "5, hung-task, exited, status 0",
  })
  void aTaintThatTheLogDoesNotShowIsAFailure(int bit, String log, String word, String detail) {
    CommandEnd end = new CommandEnd(How.EXITED, 0, false, false, 1 << bit, "");
    ProvisionalEnd ending =
        of(end, FailOn.DEFAULT, log == null ? "quiet\n" : RunFacts.survived(log));
    assertEquals(word, ending.end().word());
    assertTrue(ending.detail().startsWith(detail), ending::detail);
    assertTrue(ending.detail().endsWith("status 0"), ending::detail);
  }

  @Test
  void aTaintCountsByTheWordsOfItsReport() {
    CommandEnd end = new CommandEnd(How.SIGNALLED, 11, false, false, 1 << 9 | 1 << 7, "");
    assertEquals(EndClass.SIGNAL, of(end, FailOn.of(List.of()), "quiet\n").end());
    ProvisionalEnd warned = of(end, FailOn.of(List.of("warning")), "quiet\n");
    assertEquals(EndClass.OOPS, warned.end());
    assertEquals(
        "the kernel had a warning, as its taint says (W), and its log does not;"
            + " the command: signal 11",
        warned.detail());
  }

  @Test
  void theFirstOfSeveralFailuresDecides() {
    ProvisionalEnd ending =
        of(PASSED, FailOn.DEFAULT, RunFacts.survived("lockups"), RunFacts.survived("oops-6.12"));
    assertEquals(EndClass.LOCKUP, ending.end());
    assertEquals(1, ending.decisive().orElseThrow().line());
  }

  @Test
  void aFailureBeatsAStallALimitAndAMachineThatIsGone() {
    for (EndClass end : new EndClass[] {EndClass.STALL, EndClass.LIMIT, EndClass.GONE}) {
      KernelWatch seen = new KernelWatch(() -> {});
      seen.accept(RunFacts.utf8(RunFacts.survived("oops-6.12")));
      seen.finish();
      RunClock clock = new RunClock(Optional.empty(), Optional.empty(), new FakeTime());
      Judge judge = new Judge(FailOn.DEFAULT, clock, Optional::empty, seen);
      ProvisionalEnd ending = judge.refine(ProvisionalEnd.of(end, "x"), true, Optional.empty());
      assertEquals(EndClass.OOPS, ending.end());
      assertTrue(ending.detail().startsWith("BUG: unable to handle"), ending::detail);
    }
  }

  /** The command would run again and again. */
  @Test
  void aSecondBootIsNoPass() {
    String boot =
        "[    0.000000] Linux version 6.1.119 (a@b) #1 SMP\n[    0.000000] Command line: x\n";
    ProvisionalEnd ending =
        of(
            PASSED,
            FailOn.DEFAULT,
            boot + "[    0.012345] ACPI: ready\n[    2.000001] z\n",
            boot + "[    0.012399] ACPI: ready\n");
    assertEquals(EndClass.GONE, ending.end());
    assertEquals("the guest booted a second time", ending.detail());
    assertEquals(5, ending.decisive().orElseThrow().line());
  }

  // --- a kernel that lacks what is needed ---

  /** Without an initramfs it panics for want of a root, which says nothing of the reason. */
  @Test
  void whatTheKernelLacksIsTheReasonOfItsPanic() {
    stop = Optional.of(new StopReason(StopReason.Kind.GUEST_PANIC, "VFS: Unable to mount root"));
    watch.accept(RunFacts.utf8(RunFacts.log("root-missing")));
    watch.finish();
    Judge judge = judge(FailOn.DEFAULT);
    Optional<String> lacks = Optional.of("built without CONFIG_BLK_DEV_INITRD");
    ProvisionalEnd panic = judge.look(new RunFacts().state()).orElseThrow();
    assertEquals(EndClass.PANIC, judge.refine(panic, false, Optional.empty()).end());
    for (EndClass end : List.of(EndClass.PANIC, EndClass.GONE, EndClass.STALL, EndClass.SETUP)) {
      ProvisionalEnd last = judge.refine(ProvisionalEnd.of(end, "x"), false, lacks);
      assertEquals(EndClass.SETUP, last.end());
      assertEquals(lacks.get(), last.detail());
      assertEquals(Optional.empty(), last.decisive());
    }
  }

  @Test
  void itIsNotTheReasonOfWhatTheHostAndTheUserDo() {
    watch.finish();
    Optional<String> lacks = Optional.of("built without CONFIG_BLK_DEV_INITRD");
    ProvisionalEnd interrupted = ProvisionalEnd.of(EndClass.INTERRUPTED, "ended by its user");
    assertEquals(interrupted, judge(FailOn.DEFAULT).refine(interrupted, true, lacks));
    stop = Optional.of(new StopReason(StopReason.Kind.HOST_FAILURE, "disk full"));
    ProvisionalEnd failed =
        judge(FailOn.DEFAULT).refine(ProvisionalEnd.of(EndClass.SETUP, "x"), false, lacks);
    assertTrue(failed.detail().contains("disk full"), failed::detail);
  }

  // --- out of memory ---

  @Test
  void killedWhileTheOomKillerWasAtWork() {
    ProvisionalEnd ending = of(KILLED, FailOn.DEFAULT, RunFacts.log("oom"));
    assertEquals(EndClass.OUT_OF_MEMORY, ending.end());
    assertEquals("killed for want of memory (signal 9)", ending.detail());
    assertEquals(Optional.of(KILLED), ending.commandEnd());
    assertEquals(KernelEventKind.OOM_KILL, ending.decisive().orElseThrow().kind());
  }

  @Test
  void aShellThatTellsOfItIsTheSame() {
    CommandEnd told = new CommandEnd(How.EXITED, 137, false, false, "");
    assertEquals(EndClass.OUT_OF_MEMORY, of(told, FailOn.DEFAULT, RunFacts.log("oom")).end());
  }

  @Test
  void theControlGroupsCountIsEnough() {
    CommandEnd counted = new CommandEnd(How.SIGNALLED, 9, false, true, "");
    ProvisionalEnd ending = of(counted, FailOn.DEFAULT);
    assertEquals(EndClass.OUT_OF_MEMORY, ending.end());
    assertEquals(Optional.of(counted), ending.commandEnd());
  }

  @Test
  void killedByItselfIsASignal() {
    assertEquals(EndClass.SIGNAL, of(KILLED, FailOn.DEFAULT).end());
  }

  @ParameterizedTest
  @CsvSource({"EXITED, 0", "EXITED, 1", "SIGNALLED, 15"})
  void somethingElseWasKilledIsNotTheCommandsEnd(How how, int value) {
    CommandEnd end = new CommandEnd(how, value, false, true, "");
    ProvisionalEnd ending = of(end, FailOn.DEFAULT, RunFacts.log("oom"));
    assertEquals(how == How.EXITED ? EndClass.EXITED : EndClass.SIGNAL, ending.end());
  }

  // --- the machine's own end ---

  @Test
  void aMachineThatEndedBehindItsCommandsEndIsNoPass() {
    stop = Optional.of(new StopReason(StopReason.Kind.GUEST_POWER_OFF, ""));
    ProvisionalEnd ending = of(PASSED, FailOn.DEFAULT);
    assertEquals(EndClass.GONE, ending.end());
    assertEquals("guest power-off; the command: status 0", ending.detail());
    assertEquals(Optional.of(PASSED), ending.commandEnd());
  }

  /** The agent's channel closes first, and the reason comes a moment later. */
  @Test
  void whyTheAgentWentIsWhatTheMachineSays() {
    stop = Optional.of(new StopReason(StopReason.Kind.GUEST_PANIC, "sysrq triggered crash"));
    ProvisionalEnd ending =
        refined(judge(FailOn.DEFAULT), ProvisionalEnd.gone("the guest's agent is gone"));
    assertEquals(EndClass.PANIC, ending.end());
    assertEquals("sysrq triggered crash", ending.detail());
  }

  @Test
  void whatWeStoppedOurselvesChangesNothing() {
    Judge judge = judge(FailOn.DEFAULT);
    ProvisionalEnd exited = judge.look(new RunFacts().finished(PASSED).state()).orElseThrow();
    stop = Optional.of(new StopReason(StopReason.Kind.REQUESTED, "the run is over"));
    watch.finish();
    assertEquals(exited, judge.refine(exited, true, Optional.empty()));
  }
}
