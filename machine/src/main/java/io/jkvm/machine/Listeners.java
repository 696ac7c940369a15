// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.machine.assembly.AssemblyEvents;
import io.jkvm.machine.report.Note;
import io.jkvm.machine.spec.MachineSpec;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.LoggerFactory;

/**
 * The listeners of one machine. Events are told one after the other in the order in which they
 * happened, by one of the threads that make them happen; one that happens meanwhile, also in a
 * listener, is told after it. A listener that throws harms neither the machine nor the others.
 */
final class Listeners implements AssemblyEvents {
  private final List<MachineListener> listeners = new CopyOnWriteArrayList<>();
  private final MachineSpec spec;

  // Guarded by itself.
  private final Deque<Consumer<MachineListener>> events = new ArrayDeque<>();
  private boolean telling;

  Listeners(MachineSpec spec) {
    this.spec = spec;
  }

  @Override
  public void progress(String step) {
    happened(listener -> listener.progress(spec, step));
    tell();
  }

  @Override
  public void note(Note note) {
    happened(listener -> listener.note(spec, note));
    tell();
  }

  void add(MachineListener listener) {
    listeners.add(listener);
  }

  /** Notes what has happened; {@link #tell} passes it on. Never waits. */
  void happened(Consumer<MachineListener> event) {
    synchronized (events) {
      events.add(event);
    }
  }

  /**
   * Tells what has happened, unless another thread does already. Without a lock of the caller's.
   */
  void tell() {
    Consumer<MachineListener> event = next(true);
    while (event != null) {
      for (MachineListener listener : listeners) {
        tell(event, listener);
      }
      event = next(false);
    }
  }

  private Consumer<MachineListener> next(boolean first) {
    synchronized (events) {
      if (first && telling) {
        return null;
      }
      telling = !events.isEmpty();
      return events.poll();
    }
  }

  private void tell(Consumer<MachineListener> event, MachineListener listener) {
    try {
      event.accept(listener);
    } catch (Throwable e) { // also what it does not declare
      LoggerFactory.getLogger(MachineListener.class)
          .warn("{}: a listener threw an exception", spec.name(), e);
    }
  }
}
