// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a guest had sent before its end, and where it is when a run is over. */
@Timeout(300)
class LateOutputTest {
  private static final Duration NONE = Duration.ZERO;
  private static final Duration HOUR = Duration.ofHours(1);

  private final FakeTime time = new FakeTime();
  private final RunClock clock = new RunClock(Optional.of(HOUR), Optional.empty(), time);
  private final RunProgress progress = new RunProgress(clock);
  private final ScriptedAgent guest = new ScriptedAgent();
  private final ByteArrayOutputStream output = new ByteArrayOutputStream();
  private final Gate gate = new Gate(output);

  private void start(OutputStream to) throws Exception {
    TestStreams streams = new TestStreams(Optional.empty(), to, OutputStream.nullOutputStream());
    progress.agentIsThere();
    progress.started(new RunningCommand("test", guest.start(), streams, progress));
  }

  private Thread waitsForOutput(Duration little) {
    Thread thread =
        new Thread(
            () -> {
              try {
                progress.awaitOutput(little);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    thread.start();
    return thread;
  }

  @Test
  void whatWasOnItsWayWhenTheMachineStoppedIsTaken() throws Exception {
    start(output);
    guest.holdBack();
    guest.agent().end("test stopped: kernel panic");
    guest.prints(1, RunFacts.utf8("ok 1 early\n"));
    assertFalse(guest.agent().failure().isPresent(), "it is not at its end before that");
    guest.deliver();
    guest.agent().awaitEnd();
    progress.awaitOutput(NONE);
    assertEquals("ok 1 early\n", output.toString());
    assertEquals(Optional.of("test stopped: kernel panic"), progress.awaitNews().gone());
    assertEquals(List.of(), progress.failures());
  }

  @Test
  void aPanicWaitsForTheReader() throws Exception {
    start(gate);
    guest.prints(1, RunFacts.utf8("x"));
    gate.awaitWriter();
    guest.prints(1, RunFacts.utf8("yz"));
    guest.agent().end("test stopped: kernel panic");
    clock.shorten(NONE);
    time.passSeconds(10);
    Thread end = waitsForOutput(NONE);
    while (end.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    gate.open();
    end.join();
    assertEquals("xyz", output.toString());
    assertEquals(List.of(), progress.failures());
  }

  @Test
  void aReaderThatNeverReadsDoesNotOutliveTheTimeLimit() throws Exception {
    start(gate);
    guest.prints(1, RunFacts.utf8("x"));
    gate.awaitWriter();
    guest.prints(1, RunFacts.utf8("yz"));
    guest.agent().end("test stopped: requested");
    time.pass(HOUR);
    progress.awaitOutput(NONE);
    assertCut();
    gate.open();
    while (!progress.isDrained()) {
      Thread.onSpinWait();
    }
    assertEquals("x", output.toString(), "nothing more is begun");
  }

  @Test
  void norItsUser() throws Exception {
    start(gate);
    guest.prints(1, RunFacts.utf8("x"));
    gate.awaitWriter();
    guest.agent().end("test stopped: requested");
    Thread end = waitsForOutput(NONE);
    progress.interrupt();
    end.join();
    assertCut();
  }

  private void assertCut() {
    String message = progress.failures().get(0).getMessage();
    assertTrue(message.startsWith("the end of the command's output is cut"), message);
  }

  @Test
  void aRunWithoutACommandHasNoOutput() throws Exception {
    progress.awaitOutput(HOUR);
    assertEquals(List.of(), progress.failures());
  }
}
