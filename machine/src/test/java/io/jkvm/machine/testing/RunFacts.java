// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.agent.CommandEnd;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** What a test says of a run; at first that it goes on and nothing is known. */
final class RunFacts {
  private Optional<CommandEnd> finished = Optional.empty();
  private boolean synced;
  private boolean agentIsThere;
  private Optional<String> gone = Optional.empty();
  private Optional<String> refusal = Optional.empty();
  private Optional<String> setupFailure = Optional.empty();
  private boolean interrupted;

  RunProgress.State state() {
    return new RunProgress.State(
        finished, synced, agentIsThere, gone, refusal, setupFailure, interrupted);
  }

  RunFacts finished(CommandEnd end) {
    finished = Optional.of(end);
    synced = true;
    return agentIsThere();
  }

  RunFacts notSynced() {
    synced = false;
    return this;
  }

  RunFacts agentIsThere() {
    agentIsThere = true;
    return this;
  }

  RunFacts gone(String why) {
    gone = Optional.of(why);
    return this;
  }

  RunFacts refused(String why) {
    refusal = Optional.of(why);
    return this;
  }

  RunFacts setupFailed(String why) {
    setupFailure = Optional.of(why);
    return this;
  }

  RunFacts interrupted() {
    interrupted = true;
    return this;
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A log of those that the tests of {@code kernellog} read too. */
  static String log(String name) {
    try (InputStream in = RunFacts.class.getResourceAsStream("/kernellog/" + name + ".log")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same without the panic that ends some of them. */
  static String survived(String name) {
    String log = log(name);
    int panic = log.indexOf("Kernel panic");
    return panic < 0 ? log : log.substring(0, log.lastIndexOf('\n', panic) + 1);
  }
}
