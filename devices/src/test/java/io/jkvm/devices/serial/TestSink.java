// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.serial;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A sink whose room a test switches on and off. */
public final class TestSink implements SerialSink {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private boolean room = true;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

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
  public void addRoomListener(Runnable listener) {
    listeners.add(listener);
  }

  @Override
  public void removeRoomListener(Runnable listener) {
    listeners.removeIf(known -> known == listener);
  }

  List<Runnable> listeners() {
    return listeners;
  }

  public void setRoom(boolean now) {
    synchronized (this) {
      room = now;
    }
    if (now) {
      listeners.forEach(Runnable::run);
    }
  }

  synchronized String text() {
    return bytes.toString(StandardCharsets.ISO_8859_1);
  }
}
