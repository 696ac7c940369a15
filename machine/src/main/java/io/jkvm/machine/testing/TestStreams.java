// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.core.linux.FdOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/**
 * The host's ends of a command's standard streams.
 *
 * @param input read on a thread of its own, which may be left behind in a read; empty if the
 *     command is to have nothing to read
 * @param output a failed write ends it: the command gets SIGPIPE. That is a failure of the run,
 *     too, unless the reader of one of the process' own streams, as below, has left
 * @param error the same for standard error
 */
public record TestStreams(Optional<InputStream> input, OutputStream output, OutputStream error) {
  private static final int STANDARD_OUTPUT = 1;
  private static final int STANDARD_ERROR = 2;

  /**
   * The process' standard output, for one command. To close it asks what the host could not do with
   * what was written, as a full disk behind a network may only then say; it stays open.
   */
  public static OutputStream standardOutput() {
    return new FdOutputStream(STANDARD_OUTPUT, "standard output");
  }

  /** The process' standard error, in the same way. */
  public static OutputStream standardError() {
    return new FdOutputStream(STANDARD_ERROR, "standard error");
  }
}
