// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.stream;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.switching.BackendPort;
import io.jkvm.devices.network.switching.EthernetSwitch;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * A network for cards of several processes: a switch that this process's card and everybody who
 * connects to a Unix socket is plugged into ({@link StreamBackend}, or QEMU's {@code -netdev
 * stream,server=off}). The own card's link is always up.
 */
public final class StreamListener implements NetworkBackend {
  /** So many peers at a time; more are turned away. */
  static final int MAX_PEERS = 32;

  private static final int LOGGED = 5;
  private static final int PAUSE_MILLISECONDS = 200;
  private static final int PATIENCE_MILLISECONDS = 50;

  private final String name;
  private final String path;
  private final WaitBudget patience = new WaitBudget(PATIENCE_MILLISECONDS);
  private final EthernetSwitch network;
  private final NetworkBackend own;
  private final List<Peer> peers = new ArrayList<>();

  /** Of peers that are gone: whoever connects again and again makes no garbage of such size. */
  private final Deque<PeerMemory> spare = new ArrayDeque<>();

  private final LogLimit refusals = new LogLimit(StreamListener.class, 1);
  private final LogLimit failures = new LogLimit(StreamListener.class, LOGGED);
  private SocketFile file;
  private WorkerThread thread;
  private boolean closing;

  /** A connection and its port of the switch. */
  private final class Peer {
    final AcceptedConnection connection;
    final BackendPort port;
    final PeerMemory memory = takeMemory();

    Peer(UnixSocket socket) {
      connection =
          new AcceptedConnection(name, socket, patience, memory, reason -> leave(this, reason));
      port = new BackendPort(network, connection, memory.offload());
    }
  }

  /**
   * Not listening yet.
   *
   * @param name for logs and threads
   * @param path the socket's file, which is made
   */
  public StreamListener(String name, String path) {
    this.name = name;
    this.path = path;
    network = new EthernetSwitch(name);
    own = network.newPort();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void start(NetworkCard card) throws IOException {
    file = new SocketFile(path);
    own.start(card);
    thread = new WorkerThread(name + " accept", this::run).start();
  }

  private void run() {
    while (!isClosing()) {
      try {
        accept(file.socket().accept());
      } catch (LinuxException | RuntimeException | OutOfMemoryError e) {
        // Without memory or threads now; whoever listens goes on.
        if (!isClosing()) {
          failures.warn(name, "cannot accept a connection: " + e.getMessage());
          pause();
        }
      }
    }
  }

  private void accept(UnixSocket socket) {
    if (peerCount() >= MAX_PEERS) {
      refusals.warn(
          name, MAX_PEERS + " peers are connected, which is the most; one is turned away");
      socket.close();
      return;
    }
    Peer peer;
    try {
      peer = new Peer(socket);
    } catch (RuntimeException | OutOfMemoryError e) {
      socket.close();
      throw e;
    }
    if (!join(peer)) {
      peer.port.close();
      return;
    }
    try {
      peer.port.start();
      peer.connection.receive();
    } catch (IOException e) {
      leave(peer, e.getMessage());
    } catch (RuntimeException | OutOfMemoryError e) {
      leave(peer, e.getMessage());
      throw e;
    }
  }

  private synchronized int peerCount() {
    return peers.size();
  }

  private synchronized boolean join(Peer peer) {
    return !closing && peers.add(peer);
  }

  private void leave(Peer peer, String reason) {
    if (remove(peer)) {
      peer.port.close();
      keepMemory(peer.memory);
      if (peer.connection.isPeerBroken()) {
        failures.warn(name, "a peer " + reason);
      }
    }
  }

  private synchronized boolean remove(Peer peer) {
    return !closing && peers.remove(peer);
  }

  private synchronized PeerMemory takeMemory() {
    return spare.isEmpty() ? new PeerMemory() : spare.pop();
  }

  private synchronized void keepMemory(PeerMemory memory) {
    if (spare.size() < MAX_PEERS) {
      spare.push(memory);
    }
  }

  private synchronized boolean isClosing() {
    return closing;
  }

  private synchronized void pause() {
    try {
      if (!closing) {
        wait(PAUSE_MILLISECONDS);
      }
    } catch (InterruptedException e) {
      closing = true;
    }
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return own.transmit(queuePair, frame);
  }

  @Override
  public int transmitOffloads() {
    return own.transmitOffloads();
  }

  @Override
  public void receiveOffloads(int offloads) {
    own.receiveOffloads(offloads);
  }

  @Override
  public void close() {
    List<Peer> left;
    synchronized (this) {
      closing = true;
      notifyAll();
      left = List.copyOf(peers);
      peers.clear();
    }
    if (thread != null) {
      file.socket().shutdown();
      thread.join();
      file.close();
      file = null;
      thread = null;
    }
    left.forEach(peer -> peer.port.close());
    own.close();
  }
}
