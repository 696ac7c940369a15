// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import static io.jkvm.devices.virtio.console.ControlMessage.CONSOLE_PORT;
import static io.jkvm.devices.virtio.console.ControlMessage.PORT_ADD;
import static io.jkvm.devices.virtio.console.ControlMessage.PORT_NAME;
import static io.jkvm.devices.virtio.console.ControlMessage.PORT_OPEN;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * What the device says on the control receive queue, number 2. Messages are not queued: of each
 * port it is known what the driver has yet to hear, a bit each, so a driver that asks again and
 * again, or never has a buffer, costs no memory. Each buffer of the driver is held by the queue's
 * thread until there is something to say.
 *
 * <p>The state is guarded by this object's monitor, under which no other lock is taken.
 */
final class ControlSender implements RequestHandler {
  // What a port's driver has yet to hear. The lowest bit is said first: Linux knows a port only
  // once it was added, and takes a size only for what it knows to be a console.
  private static final int ADD = 1;
  private static final int CONSOLE = 1 << 1;
  private static final int NAME = 1 << 2;
  private static final int SIZE = 1 << 3;

  /** Before {@link #OPEN}: an end that was closed and opened meanwhile is told as both. */
  private static final int CLOSED = 1 << 4;

  private static final int OPEN = 1 << 5;

  private final boolean[] console;
  private final byte[][] names;
  private final ByteBuffer message =
      ByteBuffer.allocate(ControlMessage.BYTES + PortSpec.MAX_NAME_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN);
  private volatile SequentialService service;

  // Guarded by this.
  private final int[] pending;

  /** The driver has added the port. */
  private final boolean[] ready;

  private final boolean[] open;

  /** Columns in bits 0 to 15, rows in bits 16 to 31; 0 for not known. */
  private final int[] sizes;

  ControlSender(List<PortSpec> specs) {
    int count = specs.size();
    console = new boolean[count];
    names = new byte[count][];
    pending = new int[count];
    ready = new boolean[count];
    open = new boolean[count];
    sizes = new int[count];
    for (int i = 0; i < count; i++) {
      console[i] = specs.get(i).console();
      names[i] = specs.get(i).name().getBytes(StandardCharsets.UTF_8);
    }
  }

  QueueService serve(ActiveQueue rings) {
    service = new SequentialService(rings, this);
    return service;
  }

  /** Forgets the driver; the host's ends and sizes stay. */
  synchronized void reset() {
    Arrays.fill(pending, 0);
    Arrays.fill(ready, false);
  }

  /** The driver can add ports. */
  void deviceReady(boolean success) {
    synchronized (this) {
      Arrays.fill(ready, false);
      Arrays.fill(pending, success ? ADD : 0);
    }
    lookAgain();
  }

  /** The driver has added a port, or could not. */
  void portReady(int port, boolean success) {
    synchronized (this) {
      ready[port] = success;
      pending[port] &= ADD;
      if (success) {
        pending[port] |=
            (console[port] ? CONSOLE : 0)
                | (names[port].length > 0 ? NAME : 0)
                | (sizes[port] != 0 ? SIZE : 0)
                | (open[port] ? OPEN : 0);
      }
    }
    lookAgain();
  }

  /** The host's end was opened or closed. */
  void hostOpen(int port, boolean nowOpen) {
    synchronized (this) {
      if (open[port] == nowOpen) {
        return;
      }
      open[port] = nowOpen;
      if (nowOpen) {
        add(port, OPEN);
      } else {
        pending[port] &= ~OPEN;
        add(port, CLOSED);
      }
    }
    lookAgain();
  }

  /**
   * A console's window has another size.
   *
   * @return false if it had that size before
   */
  boolean resize(int port, int columns, int rows) {
    synchronized (this) {
      int size = columns | rows << 16;
      if (sizes[port] == size) {
        return false;
      }
      sizes[port] = size;
      add(port, SIZE);
    }
    lookAgain();
    return true;
  }

  /** Columns in bits 0 to 15, rows in bits 16 to 31; 0 for not known. */
  synchronized int size(int port) {
    return sizes[port];
  }

  private void add(int port, int what) {
    if (ready[port]) {
      pending[port] |= what;
    }
  }

  private void lookAgain() {
    SequentialService current = service;
    if (current != null) {
      current.tryAgain();
    }
  }

  @Override
  public long process(DescriptorChain request) throws GuestFault {
    if (request.readableBytes() != 0) {
      throw new GuestFault("control buffer that the device can't write");
    }
    int length = nextMessage();
    if (length == 0) {
      return PUT_OFF;
    }
    if (request.writableBytes() < length) {
      throw new GuestFault(
          "control buffer of " + request.writableBytes() + " bytes for a message of " + length);
    }
    request.write(0, message, 0, length);
    return length;
  }

  /** Makes the next message; its length in bytes, 0 if there is none. */
  private synchronized int nextMessage() {
    for (int port = 0; port < pending.length; port++) {
      if (pending[port] != 0) {
        int what = Integer.lowestOneBit(pending[port]);
        pending[port] &= ~what;
        return make(port, what);
      }
    }
    return 0;
  }

  private int make(int port, int what) {
    switch (what) {
      case ADD:
        return header(port, PORT_ADD, 1);
      case CONSOLE:
        return header(port, CONSOLE_PORT, 1);
      case NAME:
        message.put(ControlMessage.BYTES, names[port]); // without a NUL (section 5.3.6.2)
        return header(port, PORT_NAME, 1) + names[port].length;
      case SIZE:
        return header(port, ControlMessage.RESIZE, 0) + putSize(sizes[port]);
      case CLOSED:
        return header(port, PORT_OPEN, 0);
      default:
        return header(port, PORT_OPEN, 1);
    }
  }

  private int header(int port, int event, int value) {
    message.putInt(ControlMessage.ID, port);
    message.putShort(ControlMessage.EVENT, (short) event);
    message.putShort(ControlMessage.VALUE, (short) value);
    return ControlMessage.BYTES;
  }

  /**
   * struct virtio_console_resize: columns, then rows, as the specification has it since 1.0. Linux
   * read rows first from 2010 (8345adbf96fc) until 5326ab737a47 in 2025. A revert and a change of
   * the specification instead were discussed and given up, and the fix was queued for the stable
   * branches in January 2026. An older kernel has the two the wrong way round, and nothing tells
   * which kind it is: the specification is followed. Without F_MULTIPORT the size is read from the
   * configuration, whose order was never in doubt.
   */
  private int putSize(int size) {
    message.putShort(ControlMessage.BYTES, (short) size);
    message.putShort(ControlMessage.BYTES + 2, (short) (size >>> 16));
    return 4;
  }
}
