// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

/** The KVM capabilities that jkvm needs or uses (Documentation/virt/kvm/api.rst). */
public enum KvmCap {
  IRQCHIP(0, "an interrupt controller in the kernel"),
  USER_MEMORY(3, "guest memory mapped by user space"),
  SET_TSS_ADDR(4, "the address of the real-mode TSS"),
  EXT_CPUID(7, "CPUID tables"),
  NR_VCPUS(9, "a recommended number of vCPUs"),
  IRQ_ROUTING(25, "interrupt routing"),
  IRQFD(32, "interrupts from eventfds"),
  PIT2(33, "a timer in the kernel"),
  IOEVENTFD(36, "eventfds on device registers"),
  SET_IDENTITY_MAP_ADDR(37, "the address of the identity map"),
  ADJUST_CLOCK(39, "a clock that can be set"),
  VCPU_EVENTS(41, "exception injection"),
  MAX_VCPUS(66, "a largest number of vCPUs"),
  TSC_DEADLINE_TIMER(72, "the local APIC timer's TSC deadline mode"),
  READONLY_MEM(81, "read-only guest memory"),
  IMMEDIATE_EXIT(136, "kicks without lost wake-ups"),
  PMU_CAPABILITY(212, "performance counters that can be left out");

  private final int number;
  private final String meaning;

  KvmCap(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  /** What the capability gives, for messages. */
  public String meaning() {
    return meaning;
  }
}
