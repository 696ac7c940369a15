// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Events by their fingerprints, a bounded number of each kind, so that a flood of one kind leaves
 * room for the panic behind it.
 */
final class EventStore {
  static final int MAX_EACH = 20;

  private final Map<String, KernelEvent> events = new LinkedHashMap<>();
  private final Map<KernelEventKind, Integer> kept = new EnumMap<>(KernelEventKind.class);
  private final Map<KernelEventKind, Long> counts = new EnumMap<>(KernelEventKind.class);
  private long dropped;

  /** When one begins. */
  void count(KernelEventKind kind) {
    counts.merge(kind, 1L, Long::sum);
  }

  /** When it is complete; the event as it is to be told, with its count. */
  KernelEvent add(KernelEvent event) {
    KernelEvent known = events.get(event.fingerprint());
    if (known != null) {
      KernelEvent again = known.withCount(known.count() + 1);
      events.put(event.fingerprint(), again);
      return again;
    }
    if (kept.merge(event.kind(), 1, Integer::sum) > MAX_EACH) {
      kept.put(event.kind(), MAX_EACH);
      dropped++;
      return event;
    }
    events.put(event.fingerprint(), event);
    return event;
  }

  List<KernelEvent> events() {
    return List.copyOf(events.values());
  }

  long count(KernelEventKind... kinds) {
    long sum = 0;
    for (KernelEventKind kind : kinds) {
      sum += counts.getOrDefault(kind, 0L);
    }
    return sum;
  }

  long dropped() {
    return dropped;
  }
}
