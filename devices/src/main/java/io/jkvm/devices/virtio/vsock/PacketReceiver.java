// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;
import java.nio.ByteBuffer;

/**
 * The transmit queue, number 1: packets of the guest; used by that queue's thread alone. A packet
 * that breaks the protocol costs the guest the connection and not the device; only what has no
 * header is a fault.
 */
final class PacketReceiver implements RequestHandler {
  private static final int PIECE_BYTES = 16 << 10;

  // What the handling of a packet comes to, apart from a payload's length.
  private static final long NOTHING = 0;
  private static final long CHANGED = -1;

  private final String deviceName;
  private final long guestCid;
  private final int bufferBytes;
  private final PacketSender sender;
  private final ConnectionTable table;
  private final LogLimit log;
  private final Object lock;
  private final PacketHeader header = new PacketHeader();
  private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);

  PacketReceiver(
      String deviceName,
      long guestCid,
      int bufferBytes,
      PacketSender sender,
      ConnectionTable table,
      LogLimit log) {
    this.deviceName = deviceName;
    this.guestCid = guestCid;
    this.bufferBytes = bufferBytes;
    this.sender = sender;
    this.table = table;
    this.log = log;
    lock = sender.lock();
  }

  @Override
  public long process(DescriptorChain packet) throws GuestFault {
    if (packet.writableBytes() != 0 || packet.readableBytes() < PacketHeader.BYTES) {
      throw new GuestFault(
          "packet of "
              + packet.readableBytes()
              + " bytes to be read, "
              + packet.writableBytes()
              + " to be written");
    }
    header.read(packet);
    if (!header.isBetween(guestCid, VirtioVsock.HOST_CID)) {
      log.warn(deviceName, "packet with wrong CIDs dropped");
      return 0;
    }
    VsockConnection connection;
    VsockListener listener = null;
    long outcome = CHANGED;
    synchronized (lock) {
      connection =
          header.type() == PacketHeader.STREAM
              ? table.find(header.targetPort(), header.sourcePort())
              : null;
      if (connection == null) {
        listener = listener();
        if (listener == null) {
          return refuse();
        }
        connection = request();
      } else {
        outcome = handle(connection, packet);
        sender.settle();
      }
    }
    if (listener != null) {
      ask(listener, connection);
    } else if (outcome > 0) {
      connection.delivery().receive(packet, (int) outcome, piece);
    } else if (outcome == CHANGED) {
      connection.delivery().deliver();
    }
    return 0;
  }

  /** Who is to be asked for a new connection; null if the packet is not about one, or nobody. */
  private VsockListener listener() {
    boolean request =
        header.type() == PacketHeader.STREAM && header.operation() == PacketHeader.REQUEST;
    return request && !table.isFull() ? table.listener(header.targetPort()) : null;
  }

  /** Never answers a reset with another. */
  private long refuse() {
    if (header.operation() == PacketHeader.RST) {
      return 0;
    }
    boolean replied = sender.reply(header.type(), header.targetPort(), header.sourcePort());
    sender.settle();
    return replied ? 0 : PUT_OFF;
  }

  private VsockConnection request() {
    VsockConnection connection =
        new VsockConnection(
            sender,
            table,
            log,
            header.targetPort(),
            header.sourcePort(),
            bufferBytes,
            VsockConnection.State.ACCEPTING);
    connection.add();
    connection.credit().guest(header.bufAlloc(), header.fwdCnt());
    connection.delivery().hold();
    return connection;
  }

  private void ask(VsockListener listener, VsockConnection connection) {
    VsockPeer peer = null;
    try {
      peer = listener.host().accept(connection);
    } catch (RuntimeException e) {
      log.warn(deviceName, "connection refused: " + e);
    }
    synchronized (lock) {
      connection.accepted(peer);
      sender.settle();
    }
    connection.delivery().deliver();
  }

  private long handle(VsockConnection connection, DescriptorChain packet) {
    int operation = header.operation();
    boolean blocked = connection.credit().free() == 0;
    connection.credit().guest(header.bufAlloc(), header.fwdCnt());
    if (blocked && connection.credit().free() > 0) {
      lock.notifyAll();
    }
    switch (connection.state()) {
      case CONNECTING:
        return connecting(connection, operation);
      case OPEN:
        return open(connection, operation, packet);
      case CLOSING:
        return closing(connection, operation);
      default: // the guest will hear of the end, or crosses it with its own
        if (operation == PacketHeader.RST) {
          connection.gone(VsockEnd.CLOSED_BY_HOST);
        }
        return NOTHING;
    }
  }

  private long connecting(VsockConnection connection, int operation) {
    // Before it has the wish, the guest can't answer it.
    boolean asked = !sender.owes(connection, PacketHeader.REQUEST);
    if (asked && operation == PacketHeader.RESPONSE) {
      connection.opened();
    } else if (asked && operation == PacketHeader.RST) {
      connection.gone(VsockEnd.REFUSED);
    } else if (operation != PacketHeader.RST) {
      sender.forgetRequest(connection);
      connection.breakOff(VsockEnd.PROTOCOL_ERROR);
    }
    return CHANGED;
  }

  private long open(VsockConnection connection, int operation, DescriptorChain packet) {
    switch (operation) {
      case PacketHeader.RW:
        long length = header.length();
        boolean whole = length <= packet.readableBytes() - PacketHeader.BYTES;
        if (whole && connection.delivery().guestSends() && connection.credit().receive(length)) {
          return length;
        }
        connection.breakOff(VsockEnd.PROTOCOL_ERROR);
        return CHANGED;
      case PacketHeader.SHUTDOWN:
        if (shutDown(connection)) {
          connection.breakOff(VsockEnd.CLOSED_BY_GUEST);
        }
        lock.notifyAll();
        return CHANGED;
      case PacketHeader.RST:
        connection.gone(VsockEnd.RESET_BY_GUEST);
        return CHANGED;
      case PacketHeader.CREDIT_UPDATE:
        return NOTHING;
      case PacketHeader.CREDIT_REQUEST:
        sender.owe(connection, PacketHeader.CREDIT_UPDATE);
        return NOTHING;
      default:
        connection.breakOff(VsockEnd.PROTOCOL_ERROR);
        return CHANGED;
    }
  }

  /** Bytes are dropped: the guest was told that nobody receives them. */
  private long closing(VsockConnection connection, int operation) {
    if (operation == PacketHeader.RST) {
      connection.gone(VsockEnd.CLOSED_BY_HOST);
    } else if (operation == PacketHeader.REQUEST
        || operation == PacketHeader.SHUTDOWN && shutDown(connection)) {
      connection.breakOff(VsockEnd.CLOSED_BY_HOST);
    } else {
      return NOTHING;
    }
    return CHANGED;
  }

  /** Whether the guest has shut down both directions now. */
  private boolean shutDown(VsockConnection connection) {
    boolean sends = (header.flags() & PacketHeader.NO_SEND) == 0;
    boolean receives = (header.flags() & PacketHeader.NO_RECEIVE) == 0;
    connection.delivery().guestShutdown(sends, receives);
    return !connection.delivery().guestSends() && !connection.delivery().guestReceives();
  }
}
