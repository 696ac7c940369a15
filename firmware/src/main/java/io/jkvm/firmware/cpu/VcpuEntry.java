// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmSregs.Segment;
import io.jkvm.core.linux.LinuxException;
import java.util.List;
import java.util.Map;

/** Gives vCPUs the registers that a PC's firmware leaves in them for the operating system. */
public final class VcpuEntry {
  private static final int IA32_MISC_ENABLE = 0x1a0;

  /** Fast string instructions; Linux avoids rep movs where a processor lacks this. */
  private static final long FAST_STRINGS = 1;

  private static final int IA32_MTRR_DEF_TYPE = 0x2ff;

  /**
   * MTRRs and fixed-range MTRRs enabled, default type write-back (Intel SDM vol. 3, section
   * 11.11.2.1). While they are off, Linux before 6.3 does not use PAT either.
   */
  private static final long MTRRS_ON_WRITE_BACK = 1 << 11 | 1 << 10 | 6;

  private VcpuEntry() {}

  /**
   * Prepares any vCPU. One that is not the boot processor then waits for a startup IPI.
   *
   * @param bootProcessor true for the vCPU that starts the machine: as in a PC, the 8259A reaches
   *     this one only, through LINT0
   */
  public static void prepare(KvmVcpu vcpu, boolean bootProcessor) throws LinuxException {
    vcpu.setMsrs(Map.of(IA32_MISC_ENABLE, FAST_STRINGS, IA32_MTRR_DEF_TYPE, MTRRS_ON_WRITE_BACK));
    KvmLapic lapic = vcpu.lapic();
    if (bootProcessor) {
      lapic.register(KvmLapic.LVT_LINT0, KvmLapic.DELIVERY_EXTINT);
    }
    lapic.register(KvmLapic.LVT_LINT1, KvmLapic.DELIVERY_NMI);
    vcpu.setLapic(lapic);
  }

  /** Puts the boot processor where the boot state says. */
  public static void enter(KvmVcpu vcpu, BootState boot) throws LinuxException {
    if (boot instanceof LongModeEntry entry) {
      enterLongMode(vcpu, entry);
    } else if (boot instanceof ProtectedModeEntry entry) {
      enterProtectedMode(vcpu, entry);
    }
    // A reset vector needs nothing: KVM makes vCPUs in the state of a processor after reset.
  }

  private static void enterLongMode(KvmVcpu vcpu, LongModeEntry entry) throws LinuxException {
    KvmSregs sregs = vcpu.sregs();
    flatSegments(sregs, LongModeEntry.CODE_SELECTOR, LongModeEntry.DATA_SELECTOR, true);
    // VMX refuses entry to long mode unless TR holds a busy TSS (Intel SDM vol. 3, 26.3.1.2).
    sregs.segment(Segment.TR, 0, 0, 0xffff, KvmSregs.TYPE_TSS_BUSY, 0, false);
    sregs.gdt(entry.gdtBase(), entry.gdtLimit());
    sregs.cr0(LongModeEntry.CR0).cr3(entry.cr3()).cr4(LongModeEntry.CR4);
    sregs.efer(LongModeEntry.EFER);
    vcpu.setSregs(sregs);
    vcpu.setRegs(start(entry.rip()).set(KvmRegs.RSI, entry.rsi()));
  }

  /** No GDT backs the selectors: what they name is in the hidden parts only. */
  private static void enterProtectedMode(KvmVcpu vcpu, ProtectedModeEntry entry)
      throws LinuxException {
    KvmSregs sregs = vcpu.sregs();
    flatSegments(sregs, ProtectedModeEntry.CODE_SELECTOR, ProtectedModeEntry.DATA_SELECTOR, false);
    int limit = ProtectedModeEntry.TASK_STATE_LIMIT;
    sregs.segment(Segment.TR, 0, 0, limit, KvmSregs.TYPE_TSS_BUSY, 0, false);
    sregs.cr0(ProtectedModeEntry.CR0).cr3(0).cr4(0).efer(0);
    vcpu.setSregs(sregs);
    vcpu.setRegs(start(entry.eip()).set(KvmRegs.RBX, entry.ebx()));
  }

  private static void flatSegments(KvmSregs sregs, int code, int data, boolean longMode) {
    sregs.segment(Segment.CS, code, 0, -1, KvmSregs.TYPE_CODE_READABLE, 0, longMode);
    for (Segment segment : List.of(Segment.DS, Segment.ES, Segment.SS)) {
      sregs.segment(segment, data, 0, -1, KvmSregs.TYPE_DATA_WRITABLE, 0, false);
    }
  }

  private static KvmRegs start(long address) {
    return new KvmRegs().rip(address).rflags(KvmRegs.RFLAGS_RESERVED);
  }
}
