// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class AgentComplaintTest {
  private static final String WORD = "jkvm-agent: no channel to the host: ";

  private final AgentComplaint complaint = new AgentComplaint();

  private Optional<String> after(String text) {
    complaint.accept(RunFacts.utf8(text));
    return complaint.found();
  }

  @Test
  void isFoundWhereverItIsCut() {
    String line = "[    0.612345] " + WORD + "the kernel lacks CONFIG_X\r\n";
    for (char letter : line.substring(0, line.length() - 1).toCharArray()) {
      assertEquals(Optional.empty(), after(String.valueOf(letter)));
    }
    assertEquals(Optional.of("the kernel lacks CONFIG_X"), after("\n"));
    assertEquals(Optional.of("the kernel lacks CONFIG_X"), after(WORD + "something else\n"));
  }

  /** Trap 40: an agent that waits is no reason to end a run. */
  @Test
  void isNotThatThereIsNoChannelYet() {
    String hint = "jkvm-agent: no channel to the host yet: the kernel lacks CONFIG_X, unless\n";
    assertEquals(Optional.empty(), after("[   10.612345] " + hint));
  }

  @Test
  void isForATerminalWhateverTheGuestPrints() {
    assertEquals(Optional.of("a\\x08"), after(WORD + "a\033b\b\n"));
  }

  @Test
  void isNotLookedForInTheRestOfALongLine() {
    assertEquals(Optional.empty(), after("x".repeat(100_000)));
    assertEquals(Optional.empty(), after(WORD + "x\n"));
    assertEquals(Optional.of("y"), after(WORD + "y\n"));
  }
}
