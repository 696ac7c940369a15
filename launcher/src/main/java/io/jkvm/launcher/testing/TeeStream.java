// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.testing;

import java.io.IOException;
import java.io.OutputStream;

/** Shows somebody what goes through a stream, before it does. */
final class TeeStream extends OutputStream {
  /** Who is shown it. */
  interface Watcher {
    void written(byte[] bytes, int from, int length);
  }

  private final OutputStream out;
  private final Watcher watcher;

  TeeStream(OutputStream out, Watcher watcher) {
    this.out = out;
    this.watcher = watcher;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    watcher.written(bytes, from, length);
    out.write(bytes, from, length);
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }
}
