// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;

/**
 * What a connection's {@link VsockPeer} has yet to get and to hear. Whoever changes that calls
 * {@link #deliver} without the lock; of several threads one calls the peer, and the others leave it
 * to that one. So the peer hears one thing after the other, and nothing waits for it.
 */
final class Delivery {
  private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

  private final VsockConnection connection;
  private final Object lock;
  private final ReceiveBuffer buffer;

  // Guarded by the lock.
  private VsockPeer peer;

  /** The thread that calls the peer. */
  private Thread caller;

  /** There may be room that the caller does not know of: said by another thread, or by itself. */
  private boolean roomSaid;

  private boolean roomSaidByCaller;

  /** The peer threw an exception. */
  private boolean failed;

  private boolean connectedUntold;
  private boolean shutdownUntold;
  private boolean guestSends = true;
  private boolean guestReceives = true;
  private boolean discards;
  private VsockEnd end;
  private boolean finished;

  Delivery(VsockConnection connection, Object lock, int bufferBytes) {
    this.connection = connection;
    this.lock = lock;
    buffer = new ReceiveBuffer(bufferBytes);
  }

  // With the lock held, to be followed by deliver() without it:

  void peer(VsockPeer newPeer) {
    peer = newPeer;
  }

  void connected() {
    connectedUntold = true;
  }

  /** The guest shut down a direction; what it said once stays. */
  void guestShutdown(boolean sends, boolean receives) {
    shutdownUntold |= guestSends && !sends || guestReceives && !receives;
    guestSends &= sends;
    guestReceives &= receives;
  }

  /** The host wants no more bytes. */
  void discard() {
    discards = true;
  }

  /** The first reason is the one that counts. */
  void end(VsockEnd why) {
    if (end == null) {
      end = why;
    }
  }

  boolean guestSends() {
    return guestSends;
  }

  boolean guestReceives() {
    return guestReceives;
  }

  /** Keeps other threads from calling the peer, which does not exist yet. */
  void hold() {
    caller = Thread.currentThread();
  }

  /** Ends {@link #hold}. */
  void letGo() {
    caller = null;
  }

  /** Tells the peer what it does not know, if no other thread does; without the lock. */
  void deliver() {
    synchronized (lock) {
      if (!begin()) {
        return;
      }
    }
    boolean more = true;
    while (more) {
      more = next();
    }
  }

  /**
   * Takes the payload of a packet for which there is credit; without the lock. In the usual case
   * the peer has room, and nothing is copied into the buffer.
   *
   * @param piece for bytes on their way
   */
  void receive(DescriptorChain packet, int length, ByteBuffer piece) throws GuestFault {
    synchronized (lock) {
      if (discards || end != null) { // since the packet was looked at
        return;
      }
      if (caller != null || connectedUntold || !buffer.isEmpty()) {
        buffer.append(packet, PacketHeader.BYTES, length);
        return;
      }
      begin();
    }
    int done = 0;
    int taken = 0;
    int part;
    do {
      part = Math.min(length - done, piece.capacity());
      packet.read(PacketHeader.BYTES + done, piece.clear(), 0, part);
      taken = give(piece.limit(part));
      done += taken;
    } while (taken == part && done < length && !failed);
    synchronized (lock) {
      connection.forwarded(done);
      if (done < length && !discards) {
        buffer.append(packet, PacketHeader.BYTES + done, length - done);
      }
      if (!goesOn(taken, part)) {
        return;
      }
    }
    boolean more = true;
    while (more) {
      more = next();
    }
  }

  private boolean begin() {
    if (caller == Thread.currentThread()) {
      roomSaidByCaller = true;
    } else if (caller != null) {
      roomSaid = true;
    } else {
      caller = Thread.currentThread();
      roomSaid = false;
      roomSaidByCaller = false;
    }
    return caller == Thread.currentThread() && !roomSaidByCaller;
  }

  /**
   * Whether to offer the peer more. A peer that takes nothing and says it has room must not keep
   * the thread; one that says so after it took something may.
   */
  private boolean goesOn(int taken, int offered) {
    boolean goesOn = taken == offered || roomSaid || roomSaidByCaller && taken > 0 || discards;
    roomSaid = false;
    roomSaidByCaller = false;
    if (!goesOn) {
      caller = null;
    }
    return goesOn;
  }

  /** One call of the peer; false if there is none to make. */
  private boolean next() {
    ByteBuffer bytes = NO_BYTES;
    boolean sends;
    boolean receives;
    VsockEnd last = null;
    boolean connected = false;
    synchronized (lock) {
      sends = guestSends;
      receives = guestReceives;
      if (connectedUntold) {
        connectedUntold = false;
        connected = true;
      } else if (!discards && !buffer.isEmpty()) {
        bytes = buffer.front();
      } else if (shutdownUntold) {
        shutdownUntold = false;
      } else if (end != null && !finished) {
        finished = true;
        last = end;
        buffer.free();
        connection.finished();
      } else {
        caller = null;
        return false;
      }
    }
    int length = bytes.remaining();
    if (length == 0) {
      tell(connected, sends, receives, last);
      return true;
    }
    int taken = give(bytes);
    synchronized (lock) {
      buffer.drop(taken);
      connection.forwarded(taken);
      return goesOn(taken, length);
    }
  }

  private void tell(boolean connected, boolean sends, boolean receives, VsockEnd last) {
    if (peer == null) {
      return;
    }
    try {
      if (connected) {
        peer.connected();
      } else if (last != null) {
        peer.closed(last);
      } else {
        peer.guestShutdown(sends, receives);
      }
    } catch (RuntimeException e) {
      connection.peerFailed(e);
    }
  }

  /** How many bytes the peer took. */
  private int give(ByteBuffer bytes) {
    int from = bytes.position();
    int length = bytes.remaining();
    try {
      peer.accept(bytes);
    } catch (RuntimeException e) {
      failed = true;
      connection.peerFailed(e);
      return length;
    }
    return Math.max(0, Math.min(bytes.position() - from, length));
  }
}
