// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage;

import io.jkvm.core.linux.IoVector;
import java.io.IOException;

/** A backend that a guest can't write, whatever the one behind it could. */
public final class ReadOnlyBackend implements BlockBackend {
  private final BlockBackend inner;

  /** A read-only view; closing the backend stays the caller's. */
  public ReadOnlyBackend(BlockBackend inner) {
    this.inner = inner;
  }

  @Override
  public String name() {
    return inner.name();
  }

  @Override
  public long capacityBytes() {
    return inner.capacityBytes();
  }

  @Override
  public long rescan() throws IOException {
    return inner.rescan();
  }

  @Override
  public boolean readOnly() {
    return true;
  }

  @Override
  public int logicalBlockBytes() {
    return inner.logicalBlockBytes();
  }

  @Override
  public void read(IoVector target, long offset) throws IOException {
    inner.read(target, offset);
  }

  @Override
  public void write(IoVector source, long offset) throws IOException {
    throw readOnlyFailure();
  }

  @Override
  public void flush() {
    // Nothing was written.
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    throw readOnlyFailure();
  }

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) throws IOException {
    throw readOnlyFailure();
  }

  private IOException readOnlyFailure() {
    return new IOException("disk " + inner.name() + " is read-only");
  }
}
