// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.StopReason;
import io.jkvm.machine.agent.CommandEnd;
import io.jkvm.machine.agent.CommandEnd.How;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.results.EndClass;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How runs end, as long as they go on: what their threads know decides, and the time. */
class JudgeTest {
  private static final String NO_CHANNEL =
      "[    0.500000] jkvm-agent: no channel to the host: CONFIG_VIRTIO_CONSOLE\n";

  private final FakeTime time = new FakeTime();
  private final KernelWatch watch = new KernelWatch(() -> {});
  private final RunFacts facts = new RunFacts();
  private Optional<StopReason> stop = Optional.empty();

  private Judge judge(Optional<Duration> limit, Optional<Duration> stall, FailOn failOn) {
    return new Judge(failOn, new RunClock(limit, stall, time), () -> stop, watch);
  }

  private Judge judge() {
    return judge(Optional.empty(), Optional.empty(), FailOn.DEFAULT);
  }

  private static Optional<Duration> seconds(long seconds) {
    return Optional.of(Duration.ofSeconds(seconds));
  }

  private void log(String text) {
    watch.accept(RunFacts.utf8(text));
  }

  private EndClass endOf(Judge judge) {
    return judge.look(facts.state()).map(ProvisionalEnd::end).orElse(null);
  }

  // --- what the agent reports ---

  @ParameterizedTest
  @CsvSource({"0", "1", "2", "4", "42", "124", "125", "255"})
  void exitedWhateverTheStatus(int status) {
    facts.finished(new CommandEnd(How.EXITED, status, false, false, ""));
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.EXITED, ending.end());
    assertEquals("status " + status, ending.detail());
    assertEquals(status, ending.commandEnd().orElseThrow().shellStatus());
  }

  @Test
  void endedByASignal() {
    facts.finished(new CommandEnd(How.SIGNALLED, 11, false, false, ""));
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.SIGNAL, ending.end());
    assertEquals("signal 11", ending.detail());
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_FOUND", "NOT_EXECUTABLE", "SETUP_FAILED"})
  void setupIfItWasNeverRun(How how) {
    facts.finished(new CommandEnd(how, 2, false, false, "x: \033[31mnot there"));
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.SETUP, ending.end());
    assertFalse(ending.detail().contains("\033"), ending::detail);
    assertTrue(ending.detail().contains("not there"), ending::detail);
    facts.finished(new CommandEnd(how, 2, false, false, ""));
    assertEquals("errno 2", judge().look(facts.state()).orElseThrow().detail());
  }

  @Test
  void nothingCountsBeforeTheDisksHaveIt() {
    facts.finished(new CommandEnd(How.EXITED, 0, false, false, "")).notSynced();
    assertEquals(Optional.empty(), judge().look(facts.state()));
    stop = Optional.of(new StopReason(StopReason.Kind.GUEST_RESET, ""));
    assertEquals(EndClass.GONE, endOf(judge()));
  }

  @Test
  void disksThatAreNotWrittenOutHaveTheSameTimeAsACommand() {
    CommandEnd passed = new CommandEnd(How.EXITED, 0, false, false, "");
    facts.finished(passed).notSynced();
    Judge judge = judge(seconds(600), seconds(30), FailOn.DEFAULT);
    time.passSeconds(29);
    assertEquals(Optional.empty(), judge.look(facts.state()), "they may take some time");
    time.passSeconds(1);
    ProvisionalEnd stalled = judge.look(facts.state()).orElseThrow();
    assertEquals(EndClass.STALL, stalled.end());
    assertEquals(
        "the guest has been writing out its disks for 30.0 s; the command: status 0",
        stalled.detail());
    assertEquals(Optional.of(passed), stalled.commandEnd());

    Judge patient = judge(seconds(600), Optional.empty(), FailOn.DEFAULT);
    time.passSeconds(600);
    ProvisionalEnd limited = patient.look(facts.state()).orElseThrow();
    assertEquals(EndClass.LIMIT, limited.end());
    assertEquals(
        "the guest's disks were not written out after 600.0 s; the command: status 0",
        limited.detail());
    assertEquals(Optional.of(passed), limited.commandEnd());
  }

  @Test
  void whateverEndsTheWaitForTheDisksTellsTheCommandsEnd() {
    facts.finished(new CommandEnd(How.SIGNALLED, 9, false, true, "")).notSynced().interrupted();
    ProvisionalEnd interrupted = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.INTERRUPTED, interrupted.end());
    assertEquals("ended by its user; the command: signal 9", interrupted.detail());
    watch.finish();
    assertEquals(
        interrupted,
        judge().refine(interrupted, true, Optional.empty()),
        "no verdict of the command's");
  }

  // --- without a report of the agent's ---

  @Test
  void nothingIsDecidedWhileItRuns() {
    assertEquals(Optional.empty(), judge().look(facts.state()));
    log("[    0.000000] Linux version 6.1.119 (a@b) #1 SMP\n");
    assertEquals(Optional.empty(), judge().look(facts.agentIsThere().state()));
  }

  /** A machine that ended cleanly has not passed. */
  @ParameterizedTest
  @EnumSource(StopReason.Kind.class)
  void aMachineThatStopsIsNeverAPass(StopReason.Kind kind) {
    stop = Optional.of(new StopReason(kind, "why"));
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    EndClass expected =
        switch (kind) {
          case GUEST_PANIC -> EndClass.PANIC;
          case HOST_FAILURE -> EndClass.SETUP;
          case REQUESTED, HOST_SIGNAL -> EndClass.INTERRUPTED;
          case TIMEOUT -> EndClass.LIMIT;
          case GUEST_RESET,
              GUEST_POWER_OFF,
              GUEST_HALT,
              GUEST_DEAD,
              TRIPLE_FAULT,
              EMULATION_FAILURE,
              VCPU_FAILURE ->
              EndClass.GONE;
        };
    assertEquals(expected, ending.end());
    assertEquals(Optional.empty(), ending.commandEnd());
    assertTrue(ending.detail().contains("why"), ending::detail);
    assertFalse(ending.agentIsGone(), "it has stopped already");
  }

  @Test
  void goneWithTheAgent() {
    facts.agentIsThere().gone("the guest's agent is gone");
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.GONE, ending.end());
    assertTrue(ending.agentIsGone(), "the machine may have a better reason in a moment");
  }

  @Test
  void interruptedByItsUser() {
    facts.interrupted().gone("x").refused("y");
    assertEquals(EndClass.INTERRUPTED, endOf(judge()));
    stop = Optional.of(new StopReason(StopReason.Kind.GUEST_PANIC, "z"));
    assertEquals(EndClass.PANIC, endOf(judge()), "it had stopped by itself");
  }

  @Test
  void setupOfTheCommandFailed() {
    facts.agentIsThere().setupFailed("mount /dev/vda: No such device");
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.SETUP, ending.end());
    assertEquals("mount /dev/vda: No such device", ending.detail());
  }

  @Test
  void refusedByTheHost() {
    facts.refused("the kernel was built without CONFIG_X");
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.SETUP, ending.end());
    assertEquals("the kernel was built without CONFIG_X", ending.detail());
  }

  @Test
  void theAgentsComplaintCountsUntilItIsThere() {
    log(NO_CHANNEL);
    ProvisionalEnd ending = judge().look(facts.state()).orElseThrow();
    assertEquals(EndClass.SETUP, ending.end());
    assertEquals("the guest can't speak to jkvm: CONFIG_VIRTIO_CONSOLE", ending.detail());
    assertEquals(Optional.empty(), judge().look(facts.agentIsThere().state()));
  }

  // --- time ---

  @Test
  void theLimitEndsARunThatSpeaks() {
    Judge judge = judge(seconds(600), seconds(30), FailOn.DEFAULT);
    for (int second = 0; second < 600; second += 20) {
      log("[   10.000000] tick\n");
      assertEquals(Optional.empty(), judge.look(facts.state()));
      time.passSeconds(20);
    }
    ProvisionalEnd ending = judge.look(facts.state()).orElseThrow();
    assertEquals(EndClass.LIMIT, ending.end());
    assertEquals("still running after 600.0 s", ending.detail());
  }

  /** On a host under load a boot may take any time, and is well all the same. */
  @Test
  void aGuestThatIsNotUpIsWaitedForAsLongAsItsUserLikes() {
    Judge judge = judge(Optional.empty(), Optional.empty(), FailOn.DEFAULT);
    for (int day = 0; day < 30; day++) {
      time.passSeconds(86_400);
      assertEquals(Optional.empty(), judge.look(facts.state()));
    }
    assertEquals(Optional.empty(), judge.look(facts.agentIsThere().state()));
  }

  @Test
  void silenceOfBothIsAStall() {
    Judge judge = judge(Optional.empty(), seconds(30), FailOn.DEFAULT);
    time.passSeconds(29);
    log("[   29.000000] the kernel's word counts\n");
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(29);
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(1);
    ProvisionalEnd ending = judge.look(facts.state()).orElseThrow();
    assertEquals(EndClass.STALL, ending.end());
    assertTrue(ending.detail().contains("30.0 s"), ending::detail);
  }

  /** After a crash nobody waits hours for what is left of the tests. */
  @Test
  void afterAnOopsThereAreThirtySecondsLeft() {
    Judge judge = judge(seconds(3600), Optional.empty(), FailOn.DEFAULT);
    time.passSeconds(100);
    log(RunFacts.survived("oops-6.12"));
    assertEquals(Optional.empty(), judge.look(facts.agentIsThere().state()));
    time.passSeconds(20);
    log("[   30.000000] the kernel goes on, which is no reason to wait longer\n");
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(9.9);
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(0.1);
    ProvisionalEnd ending = judge.look(facts.state()).orElseThrow();
    assertEquals(EndClass.LIMIT, ending.end());
    watch.finish();
    ProvisionalEnd last = judge.refine(ending, true, Optional.empty());
    assertEquals(EndClass.OOPS, last.end());
    assertEquals("BUG: unable to handle page fault for address: ffffffffdeadbeef", last.detail());
  }

  @Test
  void anOopsDoesNotMakeAShortLimitLonger() {
    Judge judge = judge(seconds(10), Optional.empty(), FailOn.DEFAULT);
    log(RunFacts.survived("oops-6.1"));
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(10);
    assertEquals(EndClass.LIMIT, endOf(judge));
  }

  @Test
  void theCommandMayEndMeanwhile() {
    Judge judge = judge();
    log(RunFacts.survived("oops-6.12"));
    assertEquals(Optional.empty(), judge.look(facts.agentIsThere().state()));
    time.passSeconds(29);
    facts.finished(new CommandEnd(How.EXITED, 3, false, false, ""));
    ProvisionalEnd ending = judge.look(facts.state()).orElseThrow();
    watch.finish();
    ProvisionalEnd last = judge.refine(ending, true, Optional.empty());
    assertEquals(EndClass.OOPS, last.end());
    assertTrue(last.detail().endsWith("; the command: status 3"), last::detail);
    assertEquals(3, last.commandEnd().orElseThrow().value());
  }

  @Test
  void whatIsNoFailureShortensNothing() {
    Judge judge = judge(seconds(3600), Optional.empty(), FailOn.DEFAULT);
    log(RunFacts.log("warnings"));
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(3599);
    assertEquals(Optional.empty(), judge.look(facts.state()));

    FailOn warnings = new FailOn(EnumSet.of(KernelEventKind.WARNING));
    Judge strict = judge(seconds(3600), Optional.empty(), warnings);
    assertEquals(Optional.empty(), strict.look(facts.state()));
    time.passSeconds(30);
    assertEquals(EndClass.LIMIT, endOf(strict));
  }

  /** A kernel that does not reset after its panic is not waited for. */
  @ParameterizedTest
  @CsvSource({"panic", "root-missing", "no-init", "panic-on-warn"})
  void afterAPanicThereAreTwoSecondsLeft(String name) {
    Judge judge = judge();
    log(RunFacts.log(name));
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(1.9);
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(0.1);
    ProvisionalEnd ending = judge.look(facts.state()).orElseThrow();
    watch.finish();
    ProvisionalEnd last = judge.refine(ending, true, Optional.empty());
    assertEquals(EndClass.PANIC, last.end());
    assertFalse(last.agentIsGone());
  }

  @Test
  void aPanicAfterAnOopsShortensFurther() {
    Judge judge = judge();
    log(RunFacts.survived("oops-6.12"));
    assertEquals(Optional.empty(), judge.look(facts.state()));
    log("[   10.500000] Kernel panic - not syncing: Fatal exception\n");
    assertEquals(Optional.empty(), judge.look(facts.state()));
    time.passSeconds(2);
    assertEquals(EndClass.LIMIT, endOf(judge));
  }

  // --- what the host could not do ---

  @Test
  void aVerdictDoesNotStandIfTheHostLostSomething() {
    List<Exception> failures = List.of(new IOException("disk full"), new IOException("and more"));
    facts.finished(new CommandEnd(How.EXITED, 0, false, false, ""));
    ProvisionalEnd exited = judge().look(facts.state()).orElseThrow();
    assertEquals(exited, exited.afterFailures(List.of()));
    ProvisionalEnd lost = exited.afterFailures(failures);
    assertEquals(EndClass.SETUP, lost.end());
    assertEquals("disk full; the command: status 0", lost.detail());
    assertEquals(Optional.empty(), lost.commandEnd(), "its 0 must not become the run's");
    ProvisionalEnd panic = ProvisionalEnd.of(EndClass.PANIC, "x");
    assertEquals(panic, panic.afterFailures(failures));
  }
}
