// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.linux.NativeMemory;

/**
 * An interrupt routing table, struct kvm_irq_routing (Documentation/virt/kvm/api.rst,
 * KVM_SET_GSI_ROUTING): the interrupt controllers' inputs as KVM has them by default (GSI 0 to 15
 * to the PICs and the I/O APIC, 16 to 23 to the I/O APIC), then messages.
 */
public final class GsiRouting {
  private static final int HEADER_BYTES = 8;
  private static final int ENTRY_BYTES = 48;

  private static final int TYPE_IRQCHIP = 1;
  private static final int TYPE_MSI = 2;

  private static final int PIC_MASTER = 0;
  private static final int PIC_SLAVE = 1;
  private static final int IO_APIC = 2;

  private static final int PIC_INPUTS = 8;
  private static final int ISA_IRQS = 2 * PIC_INPUTS;
  private static final int FIXED_ENTRIES = ISA_IRQS + KvmVm.IO_APIC_INPUTS;

  private final NativeMemory table;
  private final int capacity;
  private int count;

  /**
   * A table without messages.
   *
   * @param capacity how many messages it has room for
   */
  public GsiRouting(int capacity) {
    this.capacity = capacity;
    table = new NativeMemory(HEADER_BYTES + (FIXED_ENTRIES + capacity) * ENTRY_BYTES);
    for (int irq = 0; irq < ISA_IRQS; irq++) {
      int chip = irq < PIC_INPUTS ? PIC_MASTER : PIC_SLAVE;
      add(irq, TYPE_IRQCHIP, chip, irq % PIC_INPUTS, 0);
    }
    for (int input = 0; input < KvmVm.IO_APIC_INPUTS; input++) {
      add(input, TYPE_IRQCHIP, IO_APIC, input, 0);
    }
  }

  int capacity() {
    return capacity;
  }

  NativeMemory table() {
    return table;
  }

  /** Removes the messages. */
  public void clear() {
    count = FIXED_ENTRIES;
    table.buffer().putInt(0, count);
  }

  /**
   * Makes a global system interrupt a message.
   *
   * @param gsi at least {@link KvmVm#IO_APIC_INPUTS}
   */
  public void addMessage(int gsi, long address, int data) {
    add(gsi, TYPE_MSI, (int) address, (int) (address >>> 32), data);
  }

  private void add(int gsi, int type, int first, int second, int third) {
    table
        .buffer()
        .position(HEADER_BYTES + count * ENTRY_BYTES)
        .putInt(gsi)
        .putInt(type)
        .putLong(0)
        .putInt(first)
        .putInt(second)
        .putInt(third);
    table.buffer().putInt(0, ++count);
  }
}
