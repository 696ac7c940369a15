// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/** The listeners of one machine; one that throws harms neither the machine nor the others. */
final class Listeners {
  private final List<MachineListener> listeners = new CopyOnWriteArrayList<>();
  private final String machineName;

  Listeners(String machineName) {
    this.machineName = machineName;
  }

  void add(MachineListener listener) {
    listeners.add(listener);
  }

  void tell(Consumer<MachineListener> event) {
    for (MachineListener listener : listeners) {
      try {
        event.accept(listener);
      } catch (RuntimeException e) {
        LoggerFactory.getLogger(MachineListener.class)
            .warn("{}: a listener threw an exception", machineName, e);
      }
    }
  }
}
