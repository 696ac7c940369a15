// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent.channel;

import io.jkvm.devices.virtio.vsock.VirtioVsock;
import io.jkvm.devices.virtio.vsock.VsockConnection;
import io.jkvm.devices.virtio.vsock.VsockEnd;
import io.jkvm.devices.virtio.vsock.VsockHost;
import io.jkvm.devices.virtio.vsock.VsockPeer;
import io.jkvm.machine.agent.AgentChannel;
import io.jkvm.machine.agent.GuestAgent;
import java.nio.ByteBuffer;

/**
 * The agent's channel as a stream socket: the first connection to our port that root makes in the
 * guest. Another one is refused as long as that is open, and for good once anything came by it.
 */
final class AgentSocket implements VsockPeer, AgentChannel, AgentLink {
  /** What the agent connects to. */
  private static final int PORT = 1024;

  private static final long GUEST_CID = 3;

  private final VirtioVsock device = new VirtioVsock("agent", GUEST_CID);
  private final GuestAgent agent = new GuestAgent(this);

  /** Guarded by this; null before the guest has one. */
  private VsockConnection connection;

  /** Bytes came, perhaps a part of a frame: another connection's can't go on with them. */
  private volatile boolean heard;

  AgentSocket() {
    VsockHost host = this::accept;
    device.listen(PORT, host.forPrivilegedPorts()); // no program of a user's may come first
  }

  private synchronized VsockPeer accept(VsockConnection offered) {
    if (connection != null) {
      return null;
    }
    connection = offered;
    return this;
  }

  @Override
  public VirtioVsock device() {
    return device;
  }

  @Override
  public GuestAgent agent() {
    return agent;
  }

  @Override
  public void accept(ByteBuffer bytes) {
    heard = true;
    agent.accept(bytes);
  }

  @Override
  public void guestShutdown(boolean sends, boolean receives) {
    // An agent does neither without the other; what does is none.
    current().reset();
  }

  /** All that the guest had sent has been taken before. */
  @Override
  public void closed(VsockEnd why) {
    if (heard) {
      agent.fail("the guest's agent is gone");
      return;
    }
    synchronized (this) {
      connection = null; // it gave up before it was heard, and may come again
    }
  }

  @Override
  public void afterReceived(Runnable action) {
    device.afterReceived(action);
  }

  @Override
  public int offer(ByteBuffer bytes) {
    VsockConnection to = current();
    return to == null ? 0 : to.offer(bytes);
  }

  @Override
  public void awaitRoom(int timeoutMilliseconds) {
    VsockConnection to = current();
    if (to != null) { // there is one whenever the agent has spoken
      to.awaitRoom(timeoutMilliseconds);
    }
  }

  private synchronized VsockConnection current() {
    return connection;
  }
}
