// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.InboundQueue;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.nio.ByteBuffer;

/**
 * The receive queue, number 0: packets for the guest. Those without a payload are not queued: of
 * each connection it is known which operations are owed, a bit each. Only resets of what is no
 * connection are kept, {@value #MAX_REPLIES} of them; while there are so many, what the guest sends
 * is not processed (section 5.10.6.4). Payloads are copied from whoever offers them and kept
 * nowhere.
 *
 * <p>The monitor of the queue is the lock of the whole device: each packet takes it, and no peer is
 * called with it held.
 */
final class PacketSender {
  static final int MAX_REPLIES = 128;

  /** The most payload of one packet, so that connections take turns. */
  private static final int MAX_PAYLOAD = 64 << 10;

  private final InboundQueue queue = new InboundQueue();
  private final long guestCid;
  private final PacketHeader header = new PacketHeader();
  private volatile SequentialService receiver;

  // Guarded by the lock.
  private DescriptorChain chain;
  private VsockConnection firstOwing;
  private VsockConnection lastOwing;
  private final int[] replyHostPorts = new int[MAX_REPLIES];
  private final int[] replyGuestPorts = new int[MAX_REPLIES];
  private final int[] replyTypes = new int[MAX_REPLIES];
  private int firstReply;
  private int replies;
  private boolean receiverWaits;
  private boolean roomWanted;
  private boolean courierRests;

  PacketSender(long guestCid) {
    this.guestCid = guestCid;
  }

  /** The device's lock. */
  Object lock() {
    return queue;
  }

  InboundQueue queue() {
    return queue;
  }

  /** The driver's queue; takes the lock. */
  void serve(ActiveQueue rings) {
    synchronized (queue) {
      chain = rings.rings().newChain();
      queue.serve(rings);
    }
  }

  /** Who is to look again when there is room for replies. */
  void receiver(SequentialService service) {
    receiver = service;
  }

  // From here on with the lock held.

  /** Forgets what is owed to no connection. */
  void reset() {
    replies = 0;
    if (receiverWaits) {
      receiverWaits = false;
      receiver.tryAgain();
    }
  }

  /** A packet of this operation is due, once however often this is called. */
  void owe(VsockConnection connection, int operation) {
    if (connection.owed == 0) {
      append(connection);
    }
    connection.owed |= 1 << operation;
  }

  void oweOnly(VsockConnection connection, int operation) {
    forget(connection);
    owe(connection, operation);
  }

  boolean owes(VsockConnection connection, int operation) {
    return (connection.owed & 1 << operation) != 0;
  }

  /** A wish of the host's is not worth sending any more, but an end of it is. */
  void forgetRequest(VsockConnection connection) {
    if (owes(connection, PacketHeader.REQUEST)) {
      forget(connection);
    }
  }

  /** Nothing is due any more. */
  void forget(VsockConnection connection) {
    if (connection.owed != 0) {
      connection.owed = 0;
      unlink(connection);
    }
  }

  private void append(VsockConnection connection) {
    connection.previousOwing = lastOwing;
    if (lastOwing == null) {
      firstOwing = connection;
    } else {
      lastOwing.nextOwing = connection;
    }
    lastOwing = connection;
  }

  private void unlink(VsockConnection connection) {
    VsockConnection previous = connection.previousOwing;
    VsockConnection next = connection.nextOwing;
    if (previous == null) {
      firstOwing = next;
    } else {
      previous.nextOwing = next;
    }
    if (next == null) {
      lastOwing = previous;
    } else {
      next.previousOwing = previous;
    }
    connection.previousOwing = null;
    connection.nextOwing = null;
  }

  /**
   * Answers a packet about no connection with a reset.
   *
   * @return false if there are too many of them: the packet has to wait
   */
  boolean reply(int type, int hostPort, int guestPort) {
    if (replies == MAX_REPLIES) {
      flush();
    }
    if (replies == MAX_REPLIES) {
      receiverWaits = true;
      return false;
    }
    int at = (firstReply + replies) % MAX_REPLIES;
    replyTypes[at] = type;
    replyHostPorts[at] = hostPort;
    replyGuestPorts[at] = guestPort;
    replies++;
    return true;
  }

  /** Sends what is due now, or sees to it that it will be. */
  void settle() {
    flush();
    if (needsRoom()) {
      wakeCourier();
    }
  }

  /** There is something to do, or a new time limit. */
  void wakeCourier() {
    if (courierRests) {
      courierRests = false;
      queue.notifyAll();
    }
  }

  /** Whether something waits for buffers of the driver's. */
  boolean needsRoom() {
    return firstOwing != null || replies > 0 || roomWanted;
  }

  /** Sends what is due as far as the driver has buffers. */
  void flush() {
    if (!queue.usable() || queue.paused()) {
      return;
    }
    try {
      while ((firstOwing != null || replies > 0) && queue.next(chain)) {
        if (firstOwing != null) {
          nextOwed(firstOwing);
        } else {
          nextReply();
        }
        publish(0);
      }
    } catch (GuestFault e) {
      queue.fail(e.getMessage());
      return;
    }
    queue.announce();
    if (receiverWaits && replies < MAX_REPLIES) {
      receiverWaits = false;
      receiver.tryAgain();
    }
  }

  private void nextOwed(VsockConnection connection) {
    int operation = Integer.numberOfTrailingZeros(connection.owed);
    unlink(connection);
    connection.owed &= ~(1 << operation);
    if (connection.owed != 0) {
      append(connection); // behind the others
    }
    fill(connection, operation, 0);
    if (operation == PacketHeader.RST) {
      connection.gone(VsockEnd.CLOSED_BY_HOST);
    }
  }

  private void nextReply() {
    header.address(guestCid, replyHostPorts[firstReply], replyGuestPorts[firstReply]);
    header.operation(replyTypes[firstReply], PacketHeader.RST, 0, 0);
    firstReply = (firstReply + 1) % MAX_REPLIES;
    replies--;
  }

  private void fill(VsockConnection connection, int operation, int length) {
    int flags = operation == PacketHeader.SHUTDOWN ? connection.shutdownFlags() : 0;
    header.address(guestCid, connection.hostPort(), connection.guestPort());
    header.operation(PacketHeader.STREAM, operation, flags, length);
    header.credit(connection.credit().buffer(), connection.credit().tell());
  }

  private void publish(int payload) throws GuestFault {
    if (chain.writableBytes() < PacketHeader.BYTES) {
      throw new GuestFault("receive buffer of " + chain.writableBytes() + " bytes");
    }
    header.write(chain);
    queue.stage(chain, PacketHeader.BYTES + payload);
    queue.publish();
  }

  /** As {@link VsockConnection#offer}; takes the lock. */
  int send(VsockConnection connection, ByteBuffer bytes) {
    int before = bytes.position();
    synchronized (queue) {
      flush();
      // What is due goes first: a RESPONSE before the first byte.
      if (!connection.mayOffer() || firstOwing != null || !queue.usable() || queue.paused()) {
        return 0;
      }
      try {
        while (bytes.hasRemaining() && mayHaveCredit(connection) && queue.next(chain)) {
          sendPart(connection, bytes);
        }
      } catch (GuestFault e) {
        queue.fail(e.getMessage());
      }
      if (queue.usable()) {
        queue.announce();
      }
    }
    return bytes.position() - before;
  }

  /** If not, the guest is asked: it may have space that it has not told of. */
  private boolean mayHaveCredit(VsockConnection connection) {
    if (connection.credit().free() > 0) {
      return true;
    }
    if (connection.credit().asks()) {
      owe(connection, PacketHeader.CREDIT_REQUEST);
      settle();
    }
    return false;
  }

  private void sendPart(VsockConnection connection, ByteBuffer bytes) throws GuestFault {
    long room = chain.writableBytes() - PacketHeader.BYTES;
    if (room <= 0) {
      throw new GuestFault("receive buffer without room for a payload");
    }
    long most = Math.min(Math.min(room, MAX_PAYLOAD), connection.credit().free());
    int length = (int) Math.min(most, bytes.remaining());
    connection.credit().send(length);
    fill(connection, PacketHeader.RW, length);
    chain.write(PacketHeader.BYTES, bytes, bytes.position(), length);
    publish(length);
    bytes.position(bytes.position() + length);
  }

  /** Waits, as {@link VsockConnection#awaitRoom}. */
  void awaitRoom(VsockConnection connection, int milliseconds) {
    if (connection.mayOffer() && connection.credit().free() > 0) {
      roomWanted = true;
      wakeCourier();
    }
    pause(milliseconds);
  }

  private void pause(long milliseconds) {
    try {
      queue.wait(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The courier has nothing to do; 0 waits for ever. */
  void rest(long milliseconds) {
    courierRests = true;
    pause(milliseconds);
    courierRests = false;
  }

  /** There may be room now. */
  void roomSeen() {
    if (roomWanted) {
      roomWanted = false;
      queue.notifyAll();
    }
  }
}
