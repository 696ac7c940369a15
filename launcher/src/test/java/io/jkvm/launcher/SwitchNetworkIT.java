// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.LongTest;
import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.VirtualSwitch;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Machines of one JVM on a switch of that JVM. */
@RequiresKvm
@Timeout(1200)
@Guests
class SwitchNetworkIT {
  private static final long MAC = 0x0200_0000_0010L;

  private static final Path TOOLS = ProjectFiles.guestImage("network-tools.cpio");

  private final VirtualSwitch lan = new VirtualSwitch("lan");

  private InProcessGuest start(int number, String command, Path... archives) throws Exception {
    String ip = "10.9.0." + number + "/24";
    return new InProcessGuest(lan, MAC + number, ip, command, List.of(archives));
  }

  /** One direction of the file with a link that goes down and up. */
  @Test
  @Guests(2)
  @LongTest
  void twoGuestsExchangeAFileAlsoWhileALinkGoesDownAndUpAndStreams() throws Exception {
    try (InProcessGuest one =
            start(
                1,
                "sha256sum < /bin/busybox; nc -l -p 5000 -e dd if=/bin/busybox bs=4k;"
                    + " nc -l -p 5001 -e dd of=/tmp/g bs=256k; sha256sum < /tmp/g; iperf3 -s",
                TOOLS);
        InProcessGuest two =
            start(
                2,
                "until ping -c 3 10.9.0.1; do :; done; echo pinged; until "
                    + String.format(NetGuest.RECEIVE, "10.9.0.1", 5000)
                    + "; do sleep 1; done;"
                    + " sha256sum < /tmp/f; sleep 1; until "
                    + String.format(NetGuest.SEND, "10.9.0.1", 5001)
                    + "; do sleep 1; done; "
                    + IperfIT.againstAnotherGuest("10.9.0.1"),
                TOOLS)) {
      two.awaitOutput("pinged");
      assertTrue(two.output().contains(" 0% packet loss"), two.output());
      takeLinkDownAndUp(two.machine());
      two.awaitStop();
      IperfIT.assertReceivedFromAnotherGuest(two.output());
      String[] sums =
          one.output().lines().filter(line -> line.endsWith("  -")).toArray(String[]::new);
      assertEquals(2, sums.length, one.output());
      assertEquals(sums[0], sums[1], one.output());
      assertTrue(two.output().contains(sums[0]), two.output());
    }
  }

  /** Three times, in the middle of a transfer: each after some more frames have come. */
  private static void takeLinkDownAndUp(Machine machine) throws InterruptedException {
    long seen = machine.statistics().cards().get(0).received();
    for (int flaps = 0; flaps < 3; Thread.sleep(20)) {
      long received = machine.statistics().cards().get(0).received();
      if (received > seen + 10) {
        seen = received;
        machine.setLink(0, false);
        Thread.sleep(200); // how long the link is down
        machine.setLink(0, true);
        flaps++;
      }
    }
  }

  @Test
  void aGuestTalksToANetworkWrittenInJava() throws Exception {
    AutoCloseable network = lan.connect(new AnsweringNetwork());
    try (network;
        InProcessGuest guest = start(2, "ping -c 5 10.9.0.77; ping -c 2 -s 1400 10.9.0.78")) {
      guest.awaitStop();
      assertTrue(guest.output().contains("5 packets received, 0% packet loss"), guest.output());
      assertTrue(guest.output().contains("2 packets received, 0% packet loss"), guest.output());
    }
  }
}
