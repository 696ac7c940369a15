// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.lifecycle.LogLimit;
import java.nio.ByteBuffer;

/**
 * A stream connection between the host and the guest, in the hands of the host; the {@link
 * VsockPeer} is what hears from it. For any thread; nothing waits but {@link #awaitRoom}.
 */
public final class VsockConnection {
  /** Where a connection is in its life. */
  enum State {
    /** The guest has not answered the host's wish. */
    CONNECTING,

    /** The host is asked about the guest's wish. */
    ACCEPTING,
    OPEN,

    /** The host has closed it, and the guest has yet to say that it is over. */
    CLOSING,

    /** It is over, but the guest has to be told; the pair of ports is not free yet. */
    RESETTING,
    OVER
  }

  private final PacketSender sender;
  private final ConnectionTable table;
  private final LogLimit log;
  private final Object lock;
  private final int hostPort;
  private final int guestPort;
  private final Credit credit;
  private final Delivery delivery;

  // Guarded by the lock.
  private State state;
  private boolean added;
  private boolean outputShut;
  private long closedAt;

  /** For the {@link ConnectionTable}. */
  VsockConnection nextInBucket;

  /** For the {@link PacketSender}: a bit for each operation that the guest has to be sent. */
  int owed;

  VsockConnection previousOwing;
  VsockConnection nextOwing;

  VsockConnection(
      PacketSender sender,
      ConnectionTable table,
      LogLimit log,
      int hostPort,
      int guestPort,
      int bufferBytes,
      State state) {
    this.sender = sender;
    this.table = table;
    this.log = log;
    this.hostPort = hostPort;
    this.guestPort = guestPort;
    this.state = state;
    lock = sender.lock();
    credit = new Credit(bufferBytes);
    delivery = new Delivery(this, lock, bufferBytes);
  }

  /** The host's port, unsigned 32 bits. */
  public int hostPort() {
    return hostPort;
  }

  /** The guest's port, unsigned 32 bits. */
  public int guestPort() {
    return guestPort;
  }

  /**
   * Gives the guest as many bytes as it has buffer space and its receive queue has buffers for,
   * which is none while the connection is not open, there is no driver, or the machine is paused. A
   * pause waits until they are copied.
   *
   * @param bytes from its position on, which is moved behind what the guest got
   * @return how many that were; if not all, {@link #awaitRoom} tells when to offer the rest
   */
  public int offer(ByteBuffer bytes) {
    return sender.send(this, bytes);
  }

  /**
   * Waits until the guest may have room, after an {@link #offer} that it did not take wholly: it
   * has freed buffer space, added buffers, opened the connection, or a pause is over. May return
   * for no reason.
   *
   * @param timeoutMilliseconds how long at most; 0 or less only looks
   * @return false if the guest will never take any more on this connection
   */
  public boolean awaitRoom(int timeoutMilliseconds) {
    synchronized (lock) {
      if (takesOffers() && timeoutMilliseconds > 0) {
        sender.awaitRoom(this, timeoutMilliseconds);
      }
      return takesOffers();
    }
  }

  /**
   * There is room for the guest's bytes again; to be called after a {@link VsockPeer#accept} that
   * did not take all. What waits in the connection's buffer is given to the peer now, by this
   * thread. A call too many does no harm.
   */
  public void roomInHost() {
    delivery.deliver();
  }

  /** Ends the stream to the guest: it is told that no more bytes come. The other one goes on. */
  public void shutdownOutput() {
    synchronized (lock) {
      if (state == State.OPEN && !outputShut) {
        outputShut = true;
        sender.owe(this, PacketHeader.SHUTDOWN);
        sender.settle();
        lock.notifyAll();
      }
    }
  }

  /**
   * Closes both directions in good order: what was offered before reaches the guest. What the guest
   * sends is dropped from now on, also what waits for room; a call of {@link VsockPeer#accept} may
   * be under way still. The end, and with it {@link VsockPeer#closed}, comes when the guest agrees,
   * or after a while.
   */
  public void close() {
    synchronized (lock) {
      if (state == State.OPEN) {
        state = State.CLOSING;
        closedAt = System.nanoTime();
        table.closing(1);
        outputShut = true;
        delivery.discard();
        sender.owe(this, PacketHeader.SHUTDOWN);
        sender.settle();
        sender.wakeCourier();
        lock.notifyAll();
        return;
      }
    }
    reset(false);
  }

  /** Breaks the connection off. Bytes on their way may be lost in both directions. */
  public void reset() {
    reset(true);
  }

  private void reset(boolean alsoClosing) {
    synchronized (lock) {
      if (alsoClosing || state != State.CLOSING) {
        delivery.discard();
        breakOff(VsockEnd.CLOSED_BY_HOST);
        sender.settle();
      }
    }
    delivery.deliver();
  }

  // What follows is for the device, with the lock held where nothing else is said.

  State state() {
    return state;
  }

  Credit credit() {
    return credit;
  }

  Delivery delivery() {
    return delivery;
  }

  /** Puts it into the table. */
  void add() {
    added = true;
    table.add(this);
  }

  /** The guest has agreed to the host's wish, or the host to the guest's. */
  void opened() {
    state = State.OPEN;
    delivery.connected();
    lock.notifyAll();
  }

  /** The host has made up its mind, by this thread; null for no. */
  void accepted(VsockPeer peer) {
    delivery.peer(peer);
    if (state == State.ACCEPTING && peer != null) {
      opened();
      sender.owe(this, PacketHeader.RESPONSE);
    } else {
      breakOff(VsockEnd.REFUSED);
    }
    delivery.letGo();
  }

  boolean takesOffers() {
    return state.compareTo(State.CLOSING) < 0 && !outputShut && delivery.guestReceives();
  }

  boolean mayOffer() {
    return state == State.OPEN && takesOffers();
  }

  /** The flags of the SHUTDOWN that is due. */
  int shutdownFlags() {
    return PacketHeader.NO_SEND | (state == State.CLOSING ? PacketHeader.NO_RECEIVE : 0);
  }

  /** Whether the guest has had its time to agree to the end. */
  boolean closingSince(long nanoseconds) {
    return state == State.CLOSING && System.nanoTime() - closedAt >= nanoseconds;
  }

  /** Bytes of the guest have left the buffer. */
  void forwarded(int bytes) {
    if (bytes > 0 && credit.forward(bytes) && state == State.OPEN) {
      sender.owe(this, PacketHeader.CREDIT_UPDATE);
      sender.settle();
    }
  }

  /** It is over, and the guest gets to know. */
  void breakOff(VsockEnd why) {
    if (state == State.RESETTING || state == State.OVER) {
      return;
    }
    if (sender.owes(this, PacketHeader.REQUEST)) {
      gone(why); // the guest has not heard of it
      return;
    }
    leave(State.RESETTING);
    sender.oweOnly(this, PacketHeader.RST);
    end(why);
  }

  /** It is over, and the guest knows or need not. */
  void gone(VsockEnd why) {
    if (state != State.OVER) {
      leave(State.OVER);
      sender.forget(this);
      table.remove(this);
      end(why);
    }
  }

  private void leave(State next) {
    if (state == State.CLOSING) {
      table.closing(-1);
    }
    state = next;
  }

  private void end(VsockEnd why) {
    delivery.end(why);
    lock.notifyAll();
  }

  /** The peer has been told of the end. */
  void finished() {
    if (added) {
      added = false;
      table.finished();
    }
  }

  /** The peer threw an exception; without the lock. */
  void peerFailed(RuntimeException e) {
    log.warn("connection to port " + Integer.toUnsignedString(guestPort), "broken off: " + e);
    synchronized (lock) {
      delivery.discard();
      breakOff(VsockEnd.PEER_FAILED);
      sender.settle();
    }
  }
}
