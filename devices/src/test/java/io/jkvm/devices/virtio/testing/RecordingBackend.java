// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.testing;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.storage.BlockBackend;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A disk without data that notes what is asked of it, and fails or hangs when told to. */
public final class RecordingBackend implements BlockBackend {
  private final boolean readOnly;
  private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
  private volatile long capacityBytes;
  private volatile long mediumBytes;
  private volatile IOException failure;
  private volatile RuntimeException mistake;
  private volatile String failing = "";
  private volatile CountDownLatch gate;
  private volatile boolean entered;

  public RecordingBackend(long capacityBytes, boolean readOnly) {
    this.capacityBytes = capacityBytes;
    mediumBytes = capacityBytes;
    this.readOnly = readOnly;
  }

  /** Makes the medium larger, or smaller. */
  public void resize(long bytes) {
    mediumBytes = bytes;
  }

  /** Everything asked so far, for example {@code write 512+1024}. */
  public List<String> calls() {
    return List.copyOf(calls);
  }

  /** Makes every further call fail. */
  public void fail(IOException with) {
    failure = with;
  }

  /** Makes every further call fail as a backend with a mistake does. */
  public void fail(RuntimeException with) {
    mistake = with;
  }

  /** Makes one call fail, as {@link #calls} has it. */
  public void failAt(String call) {
    failing = call;
  }

  /** Makes calls wait until the gate opens. */
  public void gate(CountDownLatch latch) {
    gate = latch;
  }

  /** True once a call has come in. */
  public boolean entered() {
    return entered;
  }

  private void note(String call) throws IOException {
    entered = true;
    CountDownLatch latch = gate;
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    calls.add(call);
    if (failure != null) {
      throw failure;
    }
    if (mistake != null) {
      throw mistake;
    }
    if (call.equals(failing)) {
      throw new IOException("disk recorded: test: EIO");
    }
  }

  @Override
  public String name() {
    return "recorded";
  }

  @Override
  public long capacityBytes() {
    return capacityBytes;
  }

  @Override
  public long rescan() throws IOException {
    if (failure != null) {
      throw failure;
    }
    capacityBytes = Math.max(capacityBytes, mediumBytes);
    return mediumBytes;
  }

  @Override
  public boolean readOnly() {
    return readOnly;
  }

  @Override
  public int logicalBlockBytes() {
    return 512;
  }

  @Override
  public void read(IoVector target, long offset) throws IOException {
    note("read " + offset + "+" + target.remainingBytes());
  }

  @Override
  public void write(IoVector source, long offset) throws IOException {
    note("write " + offset + "+" + source.remainingBytes());
  }

  @Override
  public void flush() throws IOException {
    note("flush");
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    note("discard " + offset + "+" + length);
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    note("zero " + offset + "+" + length + (mayUnmap ? " unmap" : ""));
  }
}
