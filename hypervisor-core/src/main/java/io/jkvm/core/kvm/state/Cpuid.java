// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A CPUID table: what the guest's CPUID instruction answers (Intel SDM vol. 2, CPUID). Immutable;
 * changes give a new table.
 *
 * @param entries one for each leaf and, where significant, subleaf
 */
public record Cpuid(List<Entry> entries) {
  public static final int HEADER_BYTES = 8;
  public static final int ENTRY_BYTES = 40;

  /** {@link Entry#flags}: the subleaf matters. */
  public static final int FLAG_SIGNIFICANT_INDEX = 1;

  public Cpuid {
    entries = List.copyOf(entries);
  }

  /** The four output registers. */
  public enum Register {
    EAX,
    EBX,
    ECX,
    EDX
  }

  /**
   * One answer.
   *
   * @param function the leaf, in EAX
   * @param index the subleaf, in ECX
   * @param flags of KVM: bit 0 says that the subleaf matters
   */
  public record Entry(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {
    /** One of the outputs. */
    public int get(Register register) {
      return switch (register) {
        case EAX -> eax;
        case EBX -> ebx;
        case ECX -> ecx;
        case EDX -> edx;
      };
    }

    /** The same entry with another output. */
    public Entry with(Register register, int value) {
      return new Entry(
          function,
          index,
          flags,
          register == Register.EAX ? value : eax,
          register == Register.EBX ? value : ebx,
          register == Register.ECX ? value : ecx,
          register == Register.EDX ? value : edx);
    }

    boolean answers(int wantedFunction, int wantedIndex) {
      return function == wantedFunction
          && ((flags & FLAG_SIGNIFICANT_INDEX) == 0 || index == wantedIndex);
    }
  }

  /** The answer to a leaf and subleaf, if there is one. */
  public Optional<Entry> find(int function, int index) {
    return entries.stream().filter(e -> e.answers(function, index)).findFirst();
  }

  /** The same table with bits of one output set and cleared; unchanged where the leaf is absent. */
  public Cpuid change(int function, int index, Register register, int set, int clear) {
    List<Entry> changed = new ArrayList<>(entries.size());
    for (Entry e : entries) {
      changed.add(
          e.answers(function, index) ? e.with(register, (e.get(register) & ~clear) | set) : e);
    }
    return new Cpuid(changed);
  }

  /** The same table with an answer added, in place of the one to its leaf and subleaf if any. */
  public Cpuid put(Entry entry) {
    List<Entry> changed = new ArrayList<>(entries);
    changed.removeIf(e -> e.function == entry.function && e.index == entry.index);
    changed.add(entry);
    return new Cpuid(changed);
  }

  /** The same table without any answer to a leaf. */
  public Cpuid remove(int function) {
    return new Cpuid(entries.stream().filter(e -> e.function != function).toList());
  }

  public static Cpuid decode(ByteBuffer table) {
    int count = table.getInt(0);
    List<Entry> entries = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int at = HEADER_BYTES + i * ENTRY_BYTES;
      entries.add(
          new Entry(
              table.getInt(at),
              table.getInt(at + 4),
              table.getInt(at + 8),
              table.getInt(at + 12),
              table.getInt(at + 16),
              table.getInt(at + 20),
              table.getInt(at + 24)));
    }
    return new Cpuid(entries);
  }

  public NativeMemory encode() {
    NativeMemory table = new NativeMemory(HEADER_BYTES + entries.size() * ENTRY_BYTES);
    table.buffer().putInt(0, entries.size());
    int at = HEADER_BYTES;
    for (Entry e : entries) {
      table.buffer().putInt(at, e.function).putInt(at + 4, e.index).putInt(at + 8, e.flags);
      table.buffer().putInt(at + 12, e.eax).putInt(at + 16, e.ebx);
      table.buffer().putInt(at + 20, e.ecx).putInt(at + 24, e.edx);
      at += ENTRY_BYTES;
    }
    return table;
  }
}
