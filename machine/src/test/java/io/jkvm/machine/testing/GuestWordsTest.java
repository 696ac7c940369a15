// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.machine.agent.AgentException;
import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.results.EndClass;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a hostile agent says becomes a part of jkvm's messages, and nothing else of a terminal's.
 */
@Timeout(300)
class GuestWordsTest {
  private static final int SYNC = 13;
  private static final int ROOT = 15;
  private static final int MOUNT = 17;
  private static final int EIO = 5;
  private static final String HOSTILE =
      "x\r\njkvm: exited, status 0: status 0\033[2J\033]0;title\007\u009b1A\u202ey";

  /** A line's end, and a control character of 8 bits, can be read and do nothing. */
  private static final String HARMLESS =
      "x\\x0d\\x0ajkvm: exited, status 0: status 0\\u009b1A\\u202ey";

  private final ScriptedAgent guest = new ScriptedAgent();

  private interface Question {
    void ask() throws AgentException, InterruptedException;
  }

  private String refusalOf(int type, Question question) throws Exception {
    guest.hello();
    CompletableFuture<Void> asked =
        CompletableFuture.runAsync(
            () -> {
              try {
                question.ask();
              } catch (AgentException | InterruptedException e) {
                throw new CompletionException(e);
              }
            });
    guest.awaitFrame(type);
    guest.answers(type, EIO, HOSTILE);
    return assertThrows(CompletionException.class, asked::join).getCause().getMessage();
  }

  @Test
  void aRefusalForgesNoLine() throws Exception {
    assertEquals(
        "the guest can't mount /dev/vda as its root: " + HARMLESS + " (errno 5)",
        refusalOf(ROOT, () -> guest.agent().mountRoot(GuestMounts.Mount.disk("/dev/vda"), true)));
  }

  @Test
  void norOneOfAShare() throws Exception {
    GuestMounts.Mount share = new GuestMounts.Mount("data", "virtiofs", "ro", "/mnt");
    assertEquals(
        "the guest can't mount data at /mnt: " + HARMLESS + " (errno 5)",
        refusalOf(MOUNT, () -> guest.agent().mount(share)));
  }

  /** It would end with a frame that it does not know. */
  @Test
  void anOldAgentIsNotAskedForAShare() {
    guest.hello(0);
    GuestMounts.Mount share = new GuestMounts.Mount("data", "virtiofs", "ro", "/mnt");
    assertEquals(
        "the guest can't mount data at /mnt: its agent is older than this jkvm, and its image needs"
            + " the new one",
        assertThrows(AgentException.class, () -> guest.agent().mount(share)).getMessage());
  }

  @Test
  void neitherDoesOneBehindTheCommand() throws Exception {
    assertEquals(
        "the guest can't sync: " + HARMLESS + " (errno 5)",
        refusalOf(SYNC, () -> guest.agent().sync()));
  }

  @Test
  void norWhatIsSaidOfACommand() throws Exception {
    GuestTask task = guest.start();
    guest.couldNotRun(HOSTILE);
    assertEquals(HARMLESS, task.await().text());
  }

  @Test
  void norWhateverElseAnEndTells() {
    assertEquals(HARMLESS, ProvisionalEnd.of(EndClass.PANIC, HOSTILE).detail());
  }
}
