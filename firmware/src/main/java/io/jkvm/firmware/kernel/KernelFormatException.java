// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file that can't be used as a kernel. The message is one line: the file, what is wrong with it,
 * and what to do about that.
 */
public final class KernelFormatException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * A problem with a kernel file.
   *
   * @param kernel the file
   * @param problem continues a sentence that begins with the file's name
   */
  public KernelFormatException(Path kernel, String problem) {
    this(kernel, problem, null);
  }

  /** A problem with a kernel file that another exception found first. */
  public KernelFormatException(Path kernel, String problem, Throwable cause) {
    super("kernel " + kernel + " " + problem, cause);
  }
}
