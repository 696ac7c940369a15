// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenFile;

/** An open file that reads and writes as much as it is asked for, and nothing else. */
class StubFile implements OpenFile {
  volatile boolean closed;

  @Override
  public long read(IoVector target, long offset) {
    return target.remainingBytes();
  }

  @Override
  public long write(IoVector source, long offset) {
    return source.remainingBytes();
  }

  @Override
  public long append(IoVector source) {
    return source.remainingBytes();
  }

  @Override
  public int attributes(FileAttributes attributes) {
    return 0;
  }

  @Override
  public int sync(boolean dataOnly) {
    return 0;
  }

  @Override
  public int allocate(int mode, long offset, long length) {
    return 0;
  }

  @Override
  public long seek(long offset, boolean hole) {
    return offset;
  }

  @Override
  public long copyTo(long offset, OpenFile target, long targetOffset, long length) {
    return length;
  }

  @Override
  public void close() {
    closed = true;
  }
}
