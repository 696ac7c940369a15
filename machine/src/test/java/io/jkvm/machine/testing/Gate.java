// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;

/** A reader on the host that takes nothing until it is told to. */
final class Gate extends OutputStream {
  private final OutputStream to;
  private final CountDownLatch writing = new CountDownLatch(1);
  private final CountDownLatch open = new CountDownLatch(1);

  Gate(OutputStream to) {
    this.to = to;
  }

  /** Until somebody waits for the reader. */
  void awaitWriter() throws InterruptedException {
    writing.await();
  }

  void open() {
    open.countDown();
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int count) throws IOException {
    writing.countDown();
    try {
      open.await();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    to.write(bytes, from, count);
  }
}
