// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.storage.BlockBackend;
import java.io.IOException;

/** A disk of the user's own that takes everything and keeps nothing. */
abstract class EmptyDisk implements BlockBackend {
  private final String name;

  EmptyDisk(String name) {
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean readOnly() {
    return false;
  }

  @Override
  public int logicalBlockBytes() {
    return 512;
  }

  @Override
  public void read(IoVector target, long offset) {}

  @Override
  public void write(IoVector source, long offset) {}

  @Override
  public void flush() throws IOException {}

  @Override
  public void discard(long offset, long length) {}

  @Override
  public void writeZeroes(long offset, long length, boolean mayUnmap) {}
}
