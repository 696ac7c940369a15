// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what the guest sends, as far as it is told to have room, and what else it hears. */
final class RecordingPeer implements VsockPeer, VsockHost {
  /** In order: "connected", "3 bytes", "guest sends false receives true", "closed REFUSED". */
  final List<String> heard = new CopyOnWriteArrayList<>();

  // Guarded by this.
  private final ByteArrayOutputStream taken = new ByteArrayOutputStream();
  private long room = Long.MAX_VALUE;
  private int calls;
  private RuntimeException failure;

  private volatile VsockConnection connection;
  private volatile Thread inside;

  @Override
  public VsockPeer accept(VsockConnection wish) {
    connection = wish;
    return this;
  }

  void enter() {
    if (inside != null) {
      heard.add("called by two threads");
    }
    inside = Thread.currentThread();
  }

  @Override
  public void accept(ByteBuffer bytes) {
    enter();
    try {
      take(bytes);
    } finally {
      inside = null;
    }
  }

  private synchronized void take(ByteBuffer bytes) {
    calls++;
    if (failure != null) {
      throw failure;
    }
    byte[] part = new byte[(int) Math.min(room, bytes.remaining())];
    bytes.get(part);
    room -= part.length;
    taken.writeBytes(part);
  }

  @Override
  public void connected() {
    hear("connected");
  }

  @Override
  public void guestShutdown(boolean sends, boolean receives) {
    hear("at " + takenBytes() + " guest sends " + sends + " receives " + receives);
  }

  @Override
  public void closed(VsockEnd why) {
    hear("at " + takenBytes() + " closed " + why);
  }

  private void hear(String what) {
    enter();
    heard.add(what);
    inside = null;
  }

  String lastHeard() {
    return heard.isEmpty() ? "" : heard.get(heard.size() - 1);
  }

  boolean isOver() {
    return lastHeard().contains("closed");
  }

  VsockConnection connection() {
    return connection;
  }

  /** Makes every further call of accept fail. */
  synchronized void fail(RuntimeException with) {
    failure = with;
  }

  /** From now on there is room for so many bytes; nobody is told. */
  synchronized void room(long bytes) {
    room = bytes;
  }

  /** The same, and the connection is told. */
  void makeRoom(long bytes) {
    room(bytes);
    connection.roomInHost();
  }

  synchronized byte[] taken() {
    return taken.toByteArray();
  }

  synchronized int takenBytes() {
    return taken.size();
  }

  synchronized int calls() {
    return calls;
  }
}
