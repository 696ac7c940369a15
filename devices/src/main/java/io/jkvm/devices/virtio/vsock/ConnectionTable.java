// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The connections by their pair of ports, and the host's ports that are listened at. Guarded by the
 * lock, which each caller but {@link VsockListener} holds.
 */
final class ConnectionTable {
  private static final int BUCKETS = 1024;
  private static final int MIX = 0x9e37_79b9; // Knuth's multiplicative hashing

  /** VMADDR_PORT_ANY, which is no port. */
  private static final int NO_PORT = -1;

  /** Ports below are for services, as with TCP. */
  private static final int FIRST_FREE_PORT = 1024;

  private final Object lock;
  private final VsockConnection[] buckets = new VsockConnection[BUCKETS];
  private final Map<Integer, VsockListener> listeners = new HashMap<>();

  /** Connections whose peer has not heard of their end; some are not in the table any more. */
  private int unfinished;

  /** How many of the table's are closing. */
  private int closing;

  private int nextPort = FIRST_FREE_PORT;

  ConnectionTable(Object lock) {
    this.lock = lock;
  }

  /** Listens; takes the lock. */
  VsockListener listen(int port, VsockHost host) {
    VsockListener listener = new VsockListener(this, port, host);
    if (port == NO_PORT) {
      throw new IllegalArgumentException("port " + Integer.toUnsignedString(port));
    }
    synchronized (lock) {
      if (listeners.putIfAbsent(port, listener) != null) {
        throw new IllegalStateException(
            "port " + Integer.toUnsignedString(port) + " is listened at already");
      }
    }
    return listener;
  }

  /** Ends listening; takes the lock. */
  void remove(VsockListener listener) {
    synchronized (lock) {
      listeners.remove(listener.port(), listener);
    }
  }

  /** Null if nobody listens there. */
  VsockListener listener(int port) {
    return listeners.get(port);
  }

  /** A port of the host's for a new connection to a port of the guest's. */
  int freePort(int guestPort) {
    int port;
    do {
      port = nextPort++;
      if (nextPort == NO_PORT) {
        nextPort = FIRST_FREE_PORT;
      }
    } while (listeners.containsKey(port) || find(port, guestPort) != null);
    return port;
  }

  boolean isFull() {
    return unfinished >= VirtioVsock.MAX_CONNECTIONS;
  }

  private static int bucket(int hostPort, int guestPort) {
    return ((hostPort * MIX ^ guestPort) * MIX) >>> (Integer.SIZE - 10);
  }

  /** Null if there is none. */
  VsockConnection find(int hostPort, int guestPort) {
    VsockConnection found = buckets[bucket(hostPort, guestPort)];
    while (found != null && (found.hostPort() != hostPort || found.guestPort() != guestPort)) {
      found = found.nextInBucket;
    }
    return found;
  }

  void add(VsockConnection connection) {
    int bucket = bucket(connection.hostPort(), connection.guestPort());
    connection.nextInBucket = buckets[bucket];
    buckets[bucket] = connection;
    unfinished++;
  }

  /** Frees the pair of ports. */
  void remove(VsockConnection connection) {
    int bucket = bucket(connection.hostPort(), connection.guestPort());
    VsockConnection before = null;
    VsockConnection found = buckets[bucket];
    while (found != null && found != connection) {
      before = found;
      found = found.nextInBucket;
    }
    if (found == null) {
      return;
    }
    if (before == null) {
      buckets[bucket] = found.nextInBucket;
    } else {
      before.nextInBucket = found.nextInBucket;
    }
    found.nextInBucket = null;
  }

  /** The peer of one that was added has heard of the end. */
  void finished() {
    unfinished--;
  }

  /** How many connections wait for the guest to agree to their end has changed. */
  void closing(int change) {
    closing += change;
  }

  boolean hasClosing() {
    return closing > 0;
  }

  List<VsockConnection> all() {
    List<VsockConnection> all = new ArrayList<>();
    for (VsockConnection head : buckets) {
      for (VsockConnection next = head; next != null; next = next.nextInBucket) {
        all.add(next);
      }
    }
    return all;
  }
}
