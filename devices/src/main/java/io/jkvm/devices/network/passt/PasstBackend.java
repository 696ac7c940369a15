// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.core.linux.net.UnixSocket;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.stream.StreamConnection;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.LoggerFactory;

/**
 * The host's network for a guest, without any privilege: a passt(1) of its own, which turns the
 * guest's connections into sockets of the host. The guest gets 10.0.2.15/24 by DHCP; 10.0.2.2 is
 * its gateway and the host's loopback. When passt ends the link is down until a new one with the
 * same settings runs, after 1 second, or up to 30 if it keeps ending.
 */
public final class PasstBackend implements NetworkBackend {
  /** What passt tells the guest by DHCP if it is not told another; it can't do more. */
  static final int MTU_BYTES = 65520;

  /**
   * passt takes the payload out of the guest's packets and gives it to sockets of the host. It
   * looks at no checksum of TCP or UDP, and a packet of 64 KiB is as good as its segments.
   */
  static final int OFFLOADS = Offload.CSUM | Offload.TSO4 | Offload.TSO6 | Offload.ECN;

  /** passt skips a larger one, which no packet of up to {@link #MTU_BYTES} makes. */
  static final int MAX_FRAME_BYTES = 65535;

  private static final int LONGEST_PAUSE_MILLISECONDS = 30_000;

  private static final List<String> GUEST =
      List.of("-a", "10.0.2.15", "-n", "24", "-g", "10.0.2.2", "-M", "52:55:0a:00:02:02");

  /** Where there is no default route there is no interface to take addresses from. */
  private static final List<String> LOOPBACK_ONLY = List.of("-i", "lo", "-4");

  private final String name;
  private final List<PortForward> forwards;
  private final int mtu;
  private final boolean reachesHost;
  private final String searchPath;
  private final Path temporary;
  private final StreamConnection connection;
  private PasstProcess process;
  private boolean closed;

  /** The first start's failure goes to the caller, of the later ones one after each end. */
  private boolean failureLogged = true;

  /**
   * With passt from the PATH.
   *
   * @param name for logs and threads
   * @param forwards the guest's ports to be reached from the host
   * @param mtu what the guest is told by DHCP, 68 bytes or more; the most that passt can if not
   *     given or larger
   * @param reachesHost whether the guest's gateway leads to the host's 127.0.0.1
   * @throws IllegalArgumentException one line if two forwards are of the same host port
   */
  public PasstBackend(
      String name, List<PortForward> forwards, OptionalInt mtu, boolean reachesHost) {
    this(
        name,
        forwards,
        mtu,
        reachesHost,
        System.getenv().getOrDefault("PATH", "/usr/bin:/bin"),
        Path.of(System.getProperty("java.io.tmpdir")));
  }

  PasstBackend(
      String name,
      List<PortForward> forwards,
      OptionalInt mtu,
      boolean reachesHost,
      String searchPath,
      Path temporary) {
    PortForward.checkDistinct(forwards);
    this.name = name;
    this.forwards = List.copyOf(forwards);
    this.mtu = Math.min(mtu.orElse(MTU_BYTES), MTU_BYTES);
    this.reachesHost = reachesHost;
    this.searchPath = searchPath;
    this.temporary = temporary;
    StreamConnection.Peer peer =
        new StreamConnection.Peer() {
          @Override
          public UnixSocket connect() throws IOException {
            return launch();
          }

          @Override
          public String lost(String reason) {
            return ended();
          }
        };
    connection = new StreamConnection(name, peer, LONGEST_PAUSE_MILLISECONDS);
  }

  @Override
  public String name() {
    return name;
  }

  /**
   * Starts passt and connects to it.
   *
   * @throws IOException one line: it is not installed, a port is in use, or its own last words
   */
  @Override
  public void start(NetworkCard card) throws IOException {
    connection.start(card);
  }

  private UnixSocket launch() throws IOException {
    try {
      for (PortForward forward : forwards) {
        forward.checkFree();
      }
      PasstProcess started = adopt(find());
      try {
        return started.connect();
      } catch (IOException e) {
        started.close();
        throw e;
      }
    } catch (IOException e) {
      logFailure(e);
      throw e;
    }
  }

  private synchronized PasstProcess adopt(Path executable) throws IOException {
    if (closed) {
      throw new IOException("closed");
    }
    process = new PasstProcess(executable, options(), name, temporary);
    return process;
  }

  private Path find() throws IOException {
    for (String directory : searchPath.split(File.pathSeparator)) {
      Path candidate = Path.of(directory, "passt");
      if (!directory.isEmpty() && Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
        return candidate.toAbsolutePath();
      }
    }
    throw new IOException(
        "passt, which a network without privileges needs, is not installed: apt-get install passt");
  }

  private List<String> options() throws IOException {
    List<String> options = new ArrayList<>(GUEST);
    options.addAll(List.of("--mtu", Integer.toString(mtu)));
    if (!reachesHost) {
      options.add("--no-map-gw");
    }
    if (!DefaultRoute.exists()) {
      refuseIpv6();
      options.addAll(LOOPBACK_ONLY);
    }
    for (PortForward.Protocol protocol : PortForward.Protocol.values()) {
      List<PortForward> those = forwards.stream().filter(f -> f.protocol() == protocol).toList();
      those.forEach(forward -> options.addAll(forward.passtOption()));
      if (those.isEmpty()) {
        options.addAll(List.of(protocol == PortForward.Protocol.TCP ? "-t" : "-u", "none"));
      }
    }
    return options;
  }

  private void refuseIpv6() throws IOException {
    for (PortForward forward : forwards) {
      if (forward.address().indexOf(':') >= 0) {
        throw new IOException(
            "cannot forward "
                + forward
                + ": this host has no default route of IPv4, and passt serves IPv4 only then;"
                + " forward from 127.0.0.1");
      }
    }
  }

  private String ended() {
    PasstProcess old = latest();
    String reason = old.awaitEnd();
    old.close();
    return reason;
  }

  private synchronized PasstProcess latest() {
    failureLogged = false;
    return process;
  }

  private synchronized void logFailure(IOException e) {
    if (!closed && !failureLogged) {
      failureLogged = true;
      LoggerFactory.getLogger(PasstBackend.class)
          .warn("{}: not started again: {}; trying on", name, e.getMessage());
    }
  }

  @Override
  public boolean transmit(int queuePair, Frame frame) {
    return frame.length() <= MAX_FRAME_BYTES && connection.transmit(frame);
  }

  @Override
  public int transmitOffloads() {
    return OFFLOADS;
  }

  @Override
  public OptionalInt mtu() {
    return OptionalInt.of(mtu);
  }

  @Override
  public void close() {
    connection.stop();
    PasstProcess last;
    synchronized (this) {
      closed = true;
      last = process;
    }
    if (last != null) {
      last.close();
    }
    connection.close();
  }
}
