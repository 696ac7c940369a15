// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.tap.TapBackend;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a network card is connected to. */
public sealed interface NetworkSpec {
  /** The host's network as an ordinary user has it, without published ports. */
  static NetworkSpec user() {
    return new User(List.of());
  }

  /**
   * The host's network as an ordinary user has it, through a passt that is started for it.
   *
   * @param published the host's ports that lead into the guest
   * @param reachesHost whether the guest's gateway, 10.0.2.2, leads to the host's own 127.0.0.1,
   *     with all that listens there
   */
  record User(List<PublishedPort> published, boolean reachesHost) implements NetworkSpec {
    /** A network whose guest reaches the host too. */
    public User(List<PublishedPort> published) {
      this(published, true);
    }

    /**
     * Checks that it is whole, and that no host port is there twice.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE} or {@link Problem#PUBLISHED_PORT}
     */
    public User {
      published = SpecChecks.wholeList(published, "a published port");
      Set<String> seen = new HashSet<>();
      for (PublishedPort port : published) {
        String one =
            port.hostPort() + "/" + port.protocol().name().toLowerCase(java.util.Locale.ROOT);
        if (!seen.add(one)) {
          throw new MachineException(
              Problem.PUBLISHED_PORT,
              "host port "
                  + one
                  + " is published twice, which passt can't do, not even from two addresses");
        }
      }
    }
  }

  /** A passt that runs already and listens on a Unix socket. */
  record Passt(Path socket) implements NetworkSpec {
    /**
     * Checks that it is whole.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE}
     */
    public Passt {
      SpecChecks.whole(socket, "the socket of a passt");
    }
  }

  /**
   * A tap interface of the host, made if there is none and this process may.
   *
   * @param name of the interface, 1 to 15 bytes
   * @param queues number of queue pairs, 1 to 16
   */
  record Tap(String name, int queues) implements NetworkSpec {
    /** The most queue pairs that a card can have. */
    public static final int MAX_QUEUES = 16;

    /**
     * Checks the name and the number of queues.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE} or {@link Problem#NETWORK}
     */
    public Tap {
      SpecChecks.whole(name, "the name of a tap");
      try {
        TapBackend.checkName(name);
      } catch (IllegalArgumentException e) {
        throw new MachineException(Problem.NETWORK, e.getMessage(), e);
      }
      if (queues < 1 || queues > MAX_QUEUES) {
        throw new MachineException(
            Problem.NETWORK,
            "tap " + name + " with " + queues + " queues; there can be 1 to " + MAX_QUEUES);
      }
    }
  }

  /** A port of a switch in this process. */
  record Switch(VirtualSwitch network) implements NetworkSpec {
    /**
     * Checks that it is whole.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE}
     */
    public Switch {
      SpecChecks.whole(network, "the switch of a network card");
    }
  }

  /** Another process that will connect to a Unix socket. */
  record Listen(Path socket) implements NetworkSpec {
    /**
     * Checks that it is whole.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE}
     */
    public Listen {
      SpecChecks.whole(socket, "the socket to listen on");
    }
  }

  /** Another process that listens on a Unix socket. */
  record Connect(Path socket) implements NetworkSpec {
    /**
     * Checks that it is whole.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE}
     */
    public Connect {
      SpecChecks.whole(socket, "the socket to connect to");
    }
  }

  /** A network of the user's own; a new backend is opened for each machine, and closed with it. */
  record Custom(BackendFactory factory) implements NetworkSpec {
    /**
     * Checks that it is whole.
     *
     * @throws MachineException with {@link Problem#INCOMPLETE}
     */
    public Custom {
      SpecChecks.whole(factory, "what opens a network of one's own");
    }
  }

  /** Opens a network backend. */
  @FunctionalInterface
  interface BackendFactory {
    /** A new backend; the machine is not made if this fails. */
    NetworkBackend open() throws IOException;
  }
}
