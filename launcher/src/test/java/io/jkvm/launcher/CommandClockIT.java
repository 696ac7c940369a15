// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.RequiresKvm;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The time and the environment that a command of {@code jkvm test} has. */
@RequiresKvm
@Guests
class CommandClockIT {
  private static final int OFF_SECONDS = 2;
  private static final long STOP_MILLISECONDS = 10_000;

  /**
   * Its environment as it was started with, then a line of time for each line of input. A guest
   * that takes the stop for a lockup would report it after twice the threshold.
   */
  private static final String SCRIPT =
      "echo 4 >/proc/sys/kernel/watchdog_thresh; tr '\\0' '\\n' </proc/$$/environ; echo ready;"
          + " while read -r word; do echo \"$word: $(date +%s).\"; [ $word != last ] || exit 4; done";

  /** Its standard input stays open to the end, and nobody reads it any more. */
  @Test
  void theClockIsRightAlsoAfterTheProcessWasStopped() throws Exception {
    List<String> command = new ArrayList<>(List.of("env", "-i", "A=1"));
    command.addAll(CommandEndsIT.command("--stall", "600s", "--", "sh", "-c", SCRIPT));
    try (JkvmProcess jkvm = JkvmProcess.start(command)) {
      jkvm.awaitOutput("ready\n");
      assertEquals(
          Set.of("A=1", "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "ready"),
          Set.copyOf(jkvm.output().lines().toList()));
      assertRightTime(jkvm, "first");
      JkvmProcess.signal(jkvm.pid(), "STOP");
      Thread.sleep(STOP_MILLISECONDS); // what the guest has to cope with, not what is waited for
      JkvmProcess.signal(jkvm.pid(), "CONT");
      assertRightTime(jkvm, "second");
      assertRightTime(jkvm, "last");
      JkvmProcess.Result result = jkvm.awaitEnd(JkvmProcess.BOOT_SECONDS);
      assertEquals(4, result.status(), result::toString);
      assertTrue(result.err().endsWith("jkvm: exited, status 4: status 4\n"), result::toString);
    }
  }

  private static void assertRightTime(JkvmProcess jkvm, String word) throws Exception {
    long before = Instant.now().getEpochSecond();
    jkvm.send(word + "\n");
    Pattern answer = Pattern.compile(word + ": (\\d+)\\.");
    jkvm.awaitOutput(".\n", count(jkvm.output(), ".\n") + 1);
    long after = Instant.now().getEpochSecond();
    Matcher matcher = answer.matcher(jkvm.output());
    assertTrue(matcher.find(), jkvm::output);
    long guest = Long.parseLong(matcher.group(1));
    assertTrue(
        guest >= before - OFF_SECONDS && guest <= after + OFF_SECONDS,
        () -> word + ": not " + before + " to " + after + " but " + guest);
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
