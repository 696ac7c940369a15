// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Objects;

/**
 * A socket device (virtio 1.2, section 5.10): stream connections between the guest and this
 * process, which is the host with the CID {@value #HOST_CID}. Nothing goes through the host's
 * kernel, so the CID of a guest need not be unique among machines.
 *
 * <p>Each of the three queues has a thread. One lock guards all connections; it is not held while a
 * {@link VsockPeer} or a {@link VsockHost} is called. For any thread.
 */
public final class VirtioVsock implements VirtioDevice {
  /** The CID of the host. */
  public static final int HOST_CID = 2;

  /** How many connections there can be, both ways together. */
  public static final int MAX_CONNECTIONS = 1024;

  /** How many bytes of the guest each connection holds for a peer without room, if not set. */
  public static final int DEFAULT_BUFFER_BYTES = 64 << 10;

  /** The largest such buffer, in bytes. */
  public static final int MAX_BUFFER_BYTES = 16 << 20;

  private static final long CLOSE_MILLISECONDS = 8000;
  private static final long FIRST_GUEST_CID = 3;
  private static final long LAST_GUEST_CID = 0xffff_fffeL;
  private static final int TO_GUEST = 0;
  private static final int FROM_GUEST = 1;
  private static final int EVENT_BYTES = 4;
  private static final int MAX_LOGGED = 8;

  private final String name;
  private final long guestCid;
  private final int bufferBytes;
  private final long closeMilliseconds;
  private final LogLimit log = new LogLimit(VirtioVsock.class, MAX_LOGGED);
  private final PacketSender sender;
  private final ConnectionTable table;
  private final Object lock;
  private final ByteBuffer transportReset =
      ByteBuffer.allocateDirect(EVENT_BYTES).order(ByteOrder.LITTLE_ENDIAN); // its id is 0
  private volatile SequentialService fromGuest;
  private volatile SequentialService events;

  // Guarded by the lock.
  private boolean driverRuns;
  private boolean resetUntold;

  /**
   * A device with a buffer of {@value #DEFAULT_BUFFER_BYTES} bytes for each connection.
   *
   * @param name for logs and threads
   * @param guestCid the guest's CID, 3 to 2^32 - 2
   */
  public VirtioVsock(String name, long guestCid) {
    this(name, guestCid, DEFAULT_BUFFER_BYTES);
  }

  /**
   * A device without connections.
   *
   * @param name for logs and threads
   * @param guestCid the guest's CID, 3 to 2^32 - 2
   * @param bufferBytes how many bytes each connection holds for a peer without room, 1 to {@value
   *     #MAX_BUFFER_BYTES}; the memory is taken with the first of them
   */
  public VirtioVsock(String name, long guestCid, int bufferBytes) {
    this(name, guestCid, bufferBytes, CLOSE_MILLISECONDS);
  }

  /**
   * The same for tests.
   *
   * @param closeMilliseconds how long the guest may take to agree to the end of a connection
   */
  VirtioVsock(String name, long guestCid, int bufferBytes, long closeMilliseconds) {
    if (guestCid < FIRST_GUEST_CID || guestCid > LAST_GUEST_CID) {
      throw new IllegalArgumentException("a guest can't have the CID " + guestCid);
    }
    if (bufferBytes < 1 || bufferBytes > MAX_BUFFER_BYTES) {
      throw new IllegalArgumentException("a buffer of " + bufferBytes + " bytes");
    }
    this.name = "virtio-vsock " + name;
    this.guestCid = guestCid;
    this.bufferBytes = bufferBytes;
    this.closeMilliseconds = closeMilliseconds;
    sender = new PacketSender(guestCid);
    lock = sender.lock();
    table = new ConnectionTable(lock);
  }

  /**
   * Lets the guest connect to a port of the host's, with its driver there or not.
   *
   * @param port unsigned 32 bits, not 2^32 - 1
   * @throws IllegalStateException if that port is listened at already
   */
  public VsockListener listen(int port, VsockHost host) {
    return table.listen(port, Objects.requireNonNull(host, "host"));
  }

  /**
   * Connects to a port of the guest's, from a free port of the host's. The connection is not open
   * yet: {@link VsockPeer#connected} or {@link VsockPeer#closed} tells what became of it, the
   * latter maybe before this returns. A guest that never answers is not given up.
   *
   * @param guestPort unsigned 32 bits
   */
  public VsockConnection connect(int guestPort, VsockPeer peer) {
    Objects.requireNonNull(peer, "peer");
    VsockConnection connection;
    synchronized (lock) {
      connection =
          new VsockConnection(
              sender,
              table,
              log,
              table.freePort(guestPort),
              guestPort,
              bufferBytes,
              VsockConnection.State.CONNECTING);
      connection.delivery().peer(peer);
      if (!driverRuns) {
        connection.gone(VsockEnd.NO_DRIVER);
      } else if (table.isFull()) {
        connection.gone(VsockEnd.TOO_MANY);
      } else {
        connection.add();
        sender.owe(connection, PacketHeader.REQUEST);
        sender.settle();
      }
    }
    connection.delivery().deliver();
    return connection;
  }

  /**
   * The guest is not the one that made its connections, for example since it was restored from a
   * snapshot: all are over, and the driver is told to forget them (VIRTIO_VSOCK_EVENT_TRANSPORT_
   * RESET), at the latest when it has a buffer for that.
   */
  public void transportReset() {
    endAll(VsockEnd.TRANSPORT_RESET, true);
    SequentialService current = events;
    if (current != null) {
      current.tryAgain();
    }
  }

  /**
   * Runs something once the peers have been given what the guest has sent up to now: at once, or on
   * the thread that calls {@link VsockPeer#accept}. What a peer has not taken is left out, as are
   * packets where the machine is paused, or is closed before. It must not wait.
   */
  public void afterReceived(Runnable action) {
    SequentialService current = fromGuest;
    if (current == null) {
      action.run();
    } else {
      current.afterPending(action);
    }
  }

  private void endAll(VsockEnd why, boolean driverStays) {
    List<VsockConnection> ended;
    synchronized (lock) {
      driverRuns &= driverStays;
      resetUntold = driverRuns;
      ended = table.all();
      ended.forEach(connection -> connection.gone(why));
      sender.reset();
    }
    ended.forEach(connection -> connection.delivery().deliver());
  }

  private long sendEvent(DescriptorChain request) throws GuestFault {
    if (request.readableBytes() != 0 || request.writableBytes() < EVENT_BYTES) {
      throw new GuestFault(
          "event buffer of "
              + request.readableBytes()
              + " bytes to be read, "
              + request.writableBytes()
              + " to be written");
    }
    synchronized (lock) {
      if (!resetUntold) {
        return RequestHandler.PUT_OFF;
      }
      resetUntold = false;
    }
    request.write(0, transportReset, 0, EVENT_BYTES);
    return EVENT_BYTES;
  }

  @Override
  public VirtioType type() {
    return VirtioType.SOCKET;
  }

  @Override
  public String name() {
    return name;
  }

  /** None: without VIRTIO_VSOCK_F_SEQPACKET only stream sockets are meant. */
  @Override
  public long features() {
    return 0;
  }

  @Override
  public int[] queueSizes() {
    return new int[] {128, 128, 16};
  }

  /** struct virtio_vsock_config. */
  @Override
  public ConfigSpace config() {
    return new ConfigSpace() {
      @Override
      public int length() {
        return Long.BYTES;
      }

      @Override
      public int byteAt(int offset) {
        return (int) (guestCid >>> (8 * offset));
      }
    };
  }

  @Override
  public void activate(long negotiated) {
    synchronized (lock) {
      driverRuns = true;
    }
  }

  @Override
  public void reset() {
    endAll(VsockEnd.NO_DRIVER, false);
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    if (queue == TO_GUEST) {
      return new Courier(rings, sender, table, closeMilliseconds);
    }
    if (queue == FROM_GUEST) {
      PacketReceiver receiver = new PacketReceiver(name, guestCid, bufferBytes, sender, table, log);
      SequentialService service = new SequentialService(rings, receiver);
      sender.receiver(service);
      fromGuest = service;
      return service;
    }
    events = new SequentialService(rings, this::sendEvent);
    return events;
  }
}
