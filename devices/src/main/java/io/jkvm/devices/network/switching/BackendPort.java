// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.switching;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.SoftwareOffload;
import java.io.IOException;
import java.util.function.LongSupplier;

/**
 * Joins any other backend to an {@link EthernetSwitch}, for example the connection to another
 * process: its frames go into the switch, and what the switch has for it is transmitted.
 *
 * <p>Frames are transmitted one at a time, so a thread that sends may wait for another's. A backend
 * that blocks and then drops gets nothing more for a second, so that it cannot hold up every guest
 * of the switch all the time.
 */
public final class BackendPort implements AutoCloseable {
  private static final long BLOCKED_NANOS = 50_000_000L;
  private static final long PAUSE_NANOS = 1_000_000_000L;

  private final NetworkBackend backend;
  private final NetworkBackend port;
  private final LongSupplier clock;
  private final Outward outward;

  /** Not started yet; closing this closes the backend. */
  public BackendPort(EthernetSwitch network, NetworkBackend backend) {
    this(network, backend, new SoftwareOffload());
  }

  /** The same with an offload that is this port's until it is closed. */
  public BackendPort(EthernetSwitch network, NetworkBackend backend, SoftwareOffload offload) {
    this(network, backend, offload, System::nanoTime);
  }

  /** By another clock, in nanoseconds. */
  BackendPort(
      EthernetSwitch network, NetworkBackend backend, SoftwareOffload offload, LongSupplier clock) {
    this.clock = clock;
    outward = new Outward(offload);
    this.backend = backend;
    this.port = network.newPort();
  }

  /**
   * Starts the backend and takes part in the switch.
   *
   * @throws IOException if the backend cannot be started; it is closed then
   */
  public void start() throws IOException {
    try {
      backend.start(new Inward());
      backend.receiveOffloads(port.transmitOffloads());
      port.start(outward);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /** Leaves the switch, then closes the backend. */
  @Override
  public void close() {
    port.close();
    backend.close();
    outward.close();
  }

  /** What the backend sees: a card that never lacks room, since a switch keeps nothing. */
  private final class Inward implements NetworkCard {
    @Override
    public boolean receive(int queuePair, Frame frame) {
      // Not taken by the one guest it is for is no reason to hold up the frames of all others.
      port.transmit(queuePair, frame);
      return true;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    /** Frames get lost meanwhile, as on any port with its cable pulled. */
    @Override
    public void setLink(boolean up) {}
  }

  /** What the switch sees. */
  private final class Outward implements NetworkCard {
    private final SoftwareOffload offload;
    private final SoftwareOffload.Output output = this::transmit;
    private boolean refused;
    private boolean paused;
    private long pausedUntil;
    private boolean closed;

    Outward(SoftwareOffload offload) {
      this.offload = offload;
    }

    /** A sender that is late may still come; it must not find another's offload. */
    synchronized void close() {
      closed = true;
    }

    @Override
    public synchronized boolean receive(int queuePair, Frame frame) {
      long start = clock.getAsLong();
      if (closed || paused && start - pausedUntil < 0) {
        return false;
      }
      refused = false;
      boolean taken = offload.finish(frame, backend.transmitOffloads(), output);
      long end = refused ? clock.getAsLong() : start;
      paused = end - start > BLOCKED_NANOS;
      pausedUntil = end + PAUSE_NANOS;
      return taken;
    }

    private boolean transmit(Frame frame) {
      refused = !backend.transmit(0, frame);
      return !refused;
    }

    @Override
    public void awaitRoom(int queuePair, int timeoutMilliseconds) {}

    @Override
    public void setLink(boolean up) {}
  }
}
