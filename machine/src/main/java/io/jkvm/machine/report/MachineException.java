// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.report;

import java.util.Objects;

/**
 * A machine that can't be made, or that can't do what it was asked to. The message is one line of
 * facts: which thing, and what is wrong with it. What to do about it depends on who asked, so that
 * is the caller's to say, by {@link #problem}.
 */
public final class MachineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Problem problem;
  private final String subject;

  /** A problem with its facts. */
  public MachineException(Problem problem, String facts) {
    this(problem, facts, null);
  }

  /** A problem with its facts and what it came from. */
  public MachineException(Problem problem, String facts, Throwable cause) {
    this(problem, "", facts, cause);
  }

  /**
   * A problem of a thing that can be named.
   *
   * @param subject the file or device, as it was given
   */
  public MachineException(Problem problem, String subject, String facts, Throwable cause) {
    super(facts, cause);
    this.problem = Objects.requireNonNull(problem);
    this.subject = Objects.requireNonNull(subject);
  }

  /** What to decide by. */
  public Problem problem() {
    return problem;
  }

  /** The file or device that it is about, as it was given; empty if that is not one. */
  public String subject() {
    return subject;
  }
}
