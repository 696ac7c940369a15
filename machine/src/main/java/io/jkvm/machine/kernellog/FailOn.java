// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which kinds of events make a run fail. A panic always does, whatever its reason, and so does a
 * second boot.
 *
 * @param kinds the kinds, those that always fail included
 */
public record FailOn(Set<KernelEventKind> kinds) {
  /** What fails if nobody says otherwise: oopses, BUGs, lockups, RCU stalls and panics. */
  public static final FailOn DEFAULT =
      new FailOn(
          EnumSet.of(
              KernelEventKind.OOPS,
              KernelEventKind.KERNEL_BUG,
              KernelEventKind.BUG,
              KernelEventKind.SOFT_LOCKUP,
              KernelEventKind.HARD_LOCKUP,
              KernelEventKind.WORKQUEUE_LOCKUP,
              KernelEventKind.RCU_STALL));

  /** Adds what always fails. */
  public FailOn {
    EnumSet<KernelEventKind> all = always();
    all.addAll(kinds);
    kinds = Collections.unmodifiableSet(all);
  }

  /**
   * Reads words: panic, oops, bug, warning (or warn), lockup, rcu, hung-task, oom, lockdep,
   * kmemleak, sanitizer, all, none. The last adds nothing, so that it alone means panics only. A
   * BUG() is meant by oops and by bug. Case does not matter.
   *
   * @param words any number of them; without any it is the same as none
   * @return what they name together
   * @throws IllegalArgumentException for an unknown word, with the known ones
   */
  public static FailOn of(Collection<String> words) {
    Map<String, Set<KernelEventKind>> known = known();
    EnumSet<KernelEventKind> kinds = always();
    for (String word : words) {
      Set<KernelEventKind> named = known.get(word.strip().toLowerCase(Locale.ROOT));
      if (named == null) {
        throw new IllegalArgumentException(
            "no kind of kernel event is called '"
                + word
                + "'; there are "
                + String.join(", ", known.keySet()));
      }
      kinds.addAll(named);
    }
    return new FailOn(kinds);
  }

  /**
   * Whether an event of this kind makes a run fail.
   *
   * @param kind of an event
   * @return true if it is among them
   */
  public boolean includes(KernelEventKind kind) {
    return kinds.contains(kind);
  }

  private static EnumSet<KernelEventKind> always() {
    return EnumSet.of(
        KernelEventKind.PANIC,
        KernelEventKind.ROOT_MISSING,
        KernelEventKind.NO_INIT,
        KernelEventKind.SECOND_BOOT);
  }

  private static Map<String, Set<KernelEventKind>> known() {
    Map<String, Set<KernelEventKind>> known = new LinkedHashMap<>();
    known.put("panic", always());
    known.put("oops", EnumSet.of(KernelEventKind.OOPS, KernelEventKind.KERNEL_BUG));
    known.put("bug", EnumSet.of(KernelEventKind.BUG, KernelEventKind.KERNEL_BUG));
    known.put("warning", EnumSet.of(KernelEventKind.WARNING));
    known.put("warn", EnumSet.of(KernelEventKind.WARNING));
    known.put(
        "lockup",
        EnumSet.of(
            KernelEventKind.SOFT_LOCKUP,
            KernelEventKind.HARD_LOCKUP,
            KernelEventKind.WORKQUEUE_LOCKUP));
    known.put("rcu", EnumSet.of(KernelEventKind.RCU_STALL));
    known.put("hung-task", EnumSet.of(KernelEventKind.HUNG_TASK));
    known.put("oom", EnumSet.of(KernelEventKind.OOM_KILL));
    known.put("lockdep", EnumSet.of(KernelEventKind.LOCKDEP));
    known.put("kmemleak", EnumSet.of(KernelEventKind.KMEMLEAK));
    known.put("sanitizer", EnumSet.of(KernelEventKind.SANITIZER));
    known.put("all", EnumSet.allOf(KernelEventKind.class));
    known.put("none", EnumSet.noneOf(KernelEventKind.class));
    return known;
  }
}
