// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the threads of a run tell the one that decides. */
@Timeout(300)
class RunProgressTest {
  private final FakeTime time = new FakeTime();
  private final RunClock clock =
      new RunClock(Optional.of(Duration.ofHours(1)), Optional.of(Duration.ofSeconds(30)), time);
  private final RunProgress progress = new RunProgress(clock);
  private final ScriptedAgent guest = new ScriptedAgent();
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();

  private void start(OutputStream to) throws Exception {
    start(Optional.empty(), to);
  }

  private void start(Optional<InputStream> from, OutputStream to) throws Exception {
    TestStreams streams = new TestStreams(from, to, OutputStream.nullOutputStream());
    progress.agentIsThere();
    progress.started(new RunningCommand("test", guest.start(), streams, progress));
  }

  /** The next state that has something; ends with the test's time if there never is one. */
  private RunProgress.State await(Predicate<RunProgress.State> wanted) throws Exception {
    while (true) {
      RunProgress.State state = progress.awaitNews();
      if (wanted.test(state)) {
        return state;
      }
    }
  }

  @Test
  void knowsNothingAtFirst() throws Exception {
    progress.poke();
    assertEquals(new RunFacts().state(), progress.awaitNews());
    assertFalse(progress.hasStarted());
    assertEquals(Optional.empty(), progress.ready());
  }

  @Test
  void aTimeThatIsOverIsNewsToo() throws Exception {
    time.passSeconds(30);
    assertEquals(new RunFacts().state(), progress.awaitNews());
    assertTrue(clock.isStalled());
  }

  @Test
  void aRefusalCountsUntilTheAgentIsThere() throws Exception {
    progress.checked(Optional.of("no CONFIG_X"));
    assertEquals(Optional.of("no CONFIG_X"), progress.awaitNews().refusal());
    assertEquals(Optional.of("no CONFIG_X"), progress.awaitRefusal());
    progress.agentIsThere();
    assertEquals(new RunFacts().agentIsThere().state(), progress.awaitNews());
    progress.checked(Optional.of("no CONFIG_X"));
    assertEquals(Optional.empty(), progress.awaitNews().refusal());
    assertEquals(Optional.empty(), progress.awaitRefusal());
  }

  /** The guest may panic before its kernel's configuration has been read. */
  @Test
  void theKernelsCheckIsWaitedFor() throws Exception {
    CompletableFuture<Optional<String>> refusal = new CompletableFuture<>();
    Thread end =
        new Thread(
            () -> {
              try {
                refusal.complete(progress.awaitRefusal());
              } catch (InterruptedException e) {
                refusal.completeExceptionally(e);
              }
            });
    end.start();
    while (end.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    assertFalse(refusal.isDone());
    progress.checked(Optional.of("no CONFIG_X"));
    assertEquals(Optional.of("no CONFIG_X"), refusal.join());
  }

  @Test
  void theKernelsCheckIsNotWaitedForWhereTheRunIsToEnd() throws Exception {
    time.passSeconds(3600);
    assertEquals(Optional.empty(), progress.awaitRefusal());
    RunClock endless = new RunClock(Optional.empty(), Optional.empty(), time);
    RunProgress interrupted = new RunProgress(endless);
    interrupted.interrupt();
    assertEquals(Optional.empty(), interrupted.awaitRefusal());
  }

  @Test
  void theAgentIsAWordOfTheGuests() throws Exception {
    time.passSeconds(29);
    progress.agentIsThere();
    time.passSeconds(29);
    assertFalse(clock.isStalled());
    assertTrue(progress.ready().isPresent());
  }

  @Test
  void anAgentThatIsGoneIsNotASetupThatFailed() throws Exception {
    progress.failed("no such user", false);
    assertEquals(new RunFacts().setupFailed("no such user").state(), progress.awaitNews());
    progress.failed("the guest's agent is gone", true);
    assertEquals(Optional.of("the guest's agent is gone"), progress.awaitNews().gone());
  }

  @Test
  void theUserAndTheDisksAreHeard() throws Exception {
    progress.interrupt();
    assertTrue(progress.awaitNews().interrupted());
    progress.synced();
    assertTrue(progress.awaitNews().synced());
  }

  /** Trap 36: every byte, then the status. */
  @Test
  void aCommandIsFinishedWhenItsOutputIsWhereItBelongs() throws Exception {
    Gate gate = new Gate(output);
    start(gate);
    guest.prints(1, RunFacts.utf8("last words"));
    guest.exits(3);
    gate.awaitWriter();
    assertEquals(Optional.empty(), progress.awaitNews().finished());
    gate.open();
    RunProgress.State state = await(seen -> seen.finished().isPresent());
    assertEquals(3, state.finished().orElseThrow().value());
    assertEquals("last words", output.toString());
    assertTrue(progress.hasStarted());
    assertEquals(List.of(), progress.failures());
  }

  @Test
  void aReaderThatTakesItsTimeIsNoSilenceOfTheCommand() throws Exception {
    Gate gate = new Gate(output);
    start(gate);
    guest.prints(1, RunFacts.utf8("x"));
    gate.awaitWriter();
    time.passSeconds(1000);
    assertFalse(clock.isStalled());
    gate.open();
    await(seen -> clock.millisecondsLeft() <= 30_000);
    assertEquals("x", output.toString());
    assertFalse(clock.isStalled(), "what was taken is as good as what comes");
    time.passSeconds(29);
    assertFalse(clock.isStalled());
    time.passSeconds(1);
    assertTrue(clock.isStalled());
  }

  @Test
  void aReaderThatLeavesHoldsNothing() throws Exception {
    start(failing(new LinuxException("write to standard output", Errno.EPIPE)));
    guest.prints(1, RunFacts.utf8("x"));
    guest.awaitClose(1);
    guest.exits(0);
    await(seen -> seen.finished().isPresent());
    time.passSeconds(30);
    assertTrue(clock.isStalled());
  }

  @Test
  void aCommandWhoseAgentIsGoneNeverFinishes() throws Exception {
    start(output);
    guest.agent().fail("the guest's agent is gone");
    RunProgress.State state = await(seen -> seen.gone().isPresent());
    assertEquals(Optional.of("the guest's agent is gone"), state.gone());
    assertEquals(Optional.empty(), state.finished());
  }

  @Test
  void outputThatTheHostCanNotWriteIsAFailure() throws Exception {
    start(failing(new IOException("No space left on device")));
    guest.prints(1, RunFacts.utf8("x"));
    guest.exits(0);
    await(seen -> seen.finished().isPresent());
    String message = progress.failures().get(0).getMessage();
    assertEquals("standard output can't be written: No space left on device", message);
  }

  @Test
  void outputThatAnErrorOfJavasHasCutIsAFailure() throws Exception {
    start(
        new OutputStream() {
          @Override
          public void write(int value) {
            throw new OutOfMemoryError("Java heap space");
          }
        });
    guest.prints(1, RunFacts.utf8("x"));
    guest.exits(0);
    await(seen -> seen.finished().isPresent());
    String message = progress.failures().get(0).getMessage();
    assertTrue(message.startsWith("standard output was cut: "), message);
  }

  /** Trap 34: {@code | head -1}. */
  @Test
  void aReaderThatLeftIsNone() throws Exception {
    start(failing(new LinuxException("write to standard output", Errno.EPIPE)));
    guest.prints(1, RunFacts.utf8("x"));
    guest.exits(0);
    await(seen -> seen.finished().isPresent());
    assertEquals(List.of(), progress.failures());
  }

  /** A directory, for example: a command that is given nothing must not pass for that. */
  @Test
  void inputThatTheHostCanNotReadIsAFailure() throws Exception {
    InputStream directory =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("Is a directory");
          }
        };
    start(Optional.of(directory), output);
    guest.awaitEndOfInput();
    String message = progress.failures().get(0).getMessage();
    assertEquals("standard input can't be read: Is a directory", message);
  }

  @Test
  void aCommandThatDoesNotReadItsInputIsNoFailure() throws Exception {
    InputStream endless =
        new InputStream() {
          @Override
          public int read() {
            return 'y';
          }
        };
    start(Optional.of(endless), output);
    guest.exits(0);
    await(seen -> seen.finished().isPresent());
    assertEquals(List.of(), progress.failures());
  }

  private static OutputStream failing(IOException why) {
    return new OutputStream() {
      @Override
      public void write(int value) throws IOException {
        throw why;
      }
    };
  }
}
