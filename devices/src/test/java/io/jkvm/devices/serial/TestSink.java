// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** A sink whose room a test switches on and off. */
public final class TestSink implements SerialSink {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private boolean room = true;
  private Runnable listener = () -> {};

  @Override
  public synchronized boolean accept(byte value) {
    bytes.write(value);
    return true;
  }

  @Override
  public synchronized boolean hasRoom() {
    return room;
  }

  @Override
  public void onRoom(Runnable roomListener) {
    listener = roomListener;
  }

  public void setRoom(boolean now) {
    synchronized (this) {
      room = now;
    }
    if (now) {
      listener.run();
    }
  }

  synchronized String text() {
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }
}
