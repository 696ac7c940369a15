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

/** Gives vCPUs the registers that firmware would have left in them. */
public final class VcpuEntry {
  private static final int IA32_MISC_ENABLE = 0x1a0;

  /** Fast string instructions; Linux avoids rep movs where a processor lacks this. */
  private static final long FAST_STRINGS = 1;

  private static final int CODE_READABLE_ACCESSED = 0xb;
  private static final int DATA_WRITABLE_ACCESSED = 0x3;
  private static final int TSS_BUSY = 0xb;

  /** Not null selectors: the specification leaves open which they are. */
  private static final int FLAT_CODE_SELECTOR = 0x8;

  private static final int FLAT_DATA_SELECTOR = 0x10;

  private VcpuEntry() {}

  /** Any vCPU; one that is not the first then waits for the first to send it a startup IPI. */
  public static void prepare(KvmVcpu vcpu) throws LinuxException {
    vcpu.setMsrs(Map.of(IA32_MISC_ENABLE, FAST_STRINGS));
    // As a PC's firmware leaves them: the 8259A through LINT0, NMI through LINT1.
    KvmLapic lapic = vcpu.lapic();
    lapic.register(KvmLapic.LVT_LINT0, KvmLapic.DELIVERY_EXTINT);
    lapic.register(KvmLapic.LVT_LINT1, KvmLapic.DELIVERY_NMI);
    vcpu.setLapic(lapic);
  }

  /** The first vCPU, as the boot state asks. */
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
    sregs.segment(Segment.CS, LongModeEntry.CODE_SELECTOR, 0, -1, CODE_READABLE_ACCESSED, 0, true);
    for (Segment data : List.of(Segment.DS, Segment.ES, Segment.SS)) {
      sregs.segment(data, LongModeEntry.DATA_SELECTOR, 0, -1, DATA_WRITABLE_ACCESSED, 0, false);
    }
    // VMX refuses entry to long mode unless TR holds a busy TSS (Intel SDM vol. 3, 26.3.1.2).
    sregs.segment(Segment.TR, 0, 0, 0xffff, TSS_BUSY, 0, false);
    sregs.gdt(entry.gdtBase(), entry.gdtLimit());
    sregs.cr0(LongModeEntry.CR0).cr3(entry.cr3()).cr4(LongModeEntry.CR4);
    sregs.efer(LongModeEntry.EFER);
    vcpu.setSregs(sregs);
    vcpu.setRegs(
        new KvmRegs()
            .rip(entry.rip())
            .rflags(KvmRegs.RFLAGS_RESERVED)
            .set(KvmRegs.RSI, entry.rsi()));
  }

  /** No GDT backs the selectors: what they name is in the hidden parts only. */
  private static void enterProtectedMode(KvmVcpu vcpu, ProtectedModeEntry entry)
      throws LinuxException {
    KvmSregs sregs = vcpu.sregs();
    sregs.segment(Segment.CS, FLAT_CODE_SELECTOR, 0, -1, CODE_READABLE_ACCESSED, 0, false);
    for (Segment data : List.of(Segment.DS, Segment.ES, Segment.SS)) {
      sregs.segment(data, FLAT_DATA_SELECTOR, 0, -1, DATA_WRITABLE_ACCESSED, 0, false);
    }
    sregs.segment(Segment.TR, 0, 0, ProtectedModeEntry.TASK_STATE_LIMIT, TSS_BUSY, 0, false);
    sregs.cr0(ProtectedModeEntry.CR0).cr3(0).cr4(0).efer(0);
    vcpu.setSregs(sregs);
    vcpu.setRegs(
        new KvmRegs()
            .rip(entry.eip())
            .rflags(KvmRegs.RFLAGS_RESERVED)
            .set(KvmRegs.RBX, entry.ebx()));
  }
}
