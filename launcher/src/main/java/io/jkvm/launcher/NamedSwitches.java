// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.network.switching.EthernetSwitch;
import java.util.HashMap;
import java.util.Map;

/**
 * The switches of {@code --net switch=NAME}. Machines that are assembled with the same object meet
 * on switches of the same name.
 */
final class NamedSwitches {
  private final Map<String, EthernetSwitch> switches = new HashMap<>();

  /** The switch of this name, made at the first call. */
  synchronized EthernetSwitch get(String name) {
    return switches.computeIfAbsent(name, EthernetSwitch::new);
  }
}
