// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.passt;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Whether the host can reach more than its neighbours over IPv4, as /proc/net/route has it. */
final class DefaultRoute {
  private static final int FIELDS = 8;
  private static final int DESTINATION = 1;
  private static final int FLAGS = 3;
  private static final int MASK = 7;
  private static final int RTF_UP = 1;

  private DefaultRoute() {}

  static boolean exists() {
    try {
      return isIn(Files.readAllLines(Path.of("/proc/net/route")));
    } catch (IOException e) {
      return false;
    }
  }

  static boolean isIn(List<String> table) {
    return table.stream().skip(1).map(line -> line.trim().split("\\s+")).anyMatch(DefaultRoute::is);
  }

  private static boolean is(String[] route) {
    return route.length >= FIELDS
        && route[DESTINATION].equals("00000000")
        && route[MASK].equals("00000000")
        && (Integer.parseInt(route[FLAGS], 16) & RTF_UP) != 0;
  }
}
