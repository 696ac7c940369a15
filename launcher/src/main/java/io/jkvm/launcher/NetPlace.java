// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.network.passt.PortForward;
import java.nio.file.Path;
import java.util.List;

/** What a network card is connected to: the first part of a {@code --net}. */
sealed interface NetPlace {
  /** How each is written. */
  String FORMS =
      "user, passt=PATH, tap=NAME[,queues=N], switch=NAME, socket=listen:PATH"
          + " and socket=connect:PATH";

  /**
   * The host's network as an ordinary user has it, through a passt that is started for it.
   *
   * @param published the host's ports that lead into the guest
   */
  record User(List<PortForward> published) implements NetPlace {
    public User {
      published = List.copyOf(published);
    }
  }

  /** A passt that runs already and listens on a Unix socket. */
  record Passt(Path socket) implements NetPlace {}

  /**
   * A tap interface of the host.
   *
   * @param queues number of queue pairs, 1 to 16
   */
  record Tap(String name, int queues) implements NetPlace {}

  /** A switch that this process' machines share. */
  record Switch(String name) implements NetPlace {}

  /** Another process that will connect to a Unix socket. */
  record Listen(Path socket) implements NetPlace {}

  /** Another process that listens on a Unix socket. */
  record Connect(Path socket) implements NetPlace {}
}
