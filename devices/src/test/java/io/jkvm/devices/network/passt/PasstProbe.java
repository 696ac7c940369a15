// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import io.jkvm.devices.network.stream.FakeGuest;
import io.jkvm.devices.network.stream.TestCard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/** A process of its own with a network through passt, for {@link PasstHostTest}. */
final class PasstProbe {
  private PasstProbe() {}

  /**
   * Ends with status 0 if the guest got its address; with a file's name it makes that file then,
   * and ends only when it is killed.
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    TestCard card = new TestCard();
    try (PasstBackend backend = new PasstBackend("user", List.of(), OptionalInt.empty(), true)) {
      backend.start(card);
      FakeGuest guest = new FakeGuest(backend, card);
      byte[] offer = guest.resolveGateway() == null ? null : guest.discover();
      if (offer == null || !Arrays.equals(offer, 16, 20, FakeGuest.ADDRESS, 0, 4)) {
        throw new IOException("no offer");
      }
      if (arguments.length > 0) {
        Files.createFile(Path.of(arguments[0]));
        // Nobody else needs this process's standard input; its end would say that the test is gone.
        TimeUnit.MINUTES.sleep(5);
      }
    }
  }
}
