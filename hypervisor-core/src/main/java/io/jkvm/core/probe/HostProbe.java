// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.KvmRegs;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.kvm.state.KvmSregs;
import io.jkvm.core.kvm.state.KvmSregs.Segment;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.Mapping;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * Finds out what a host's KVM can run, by running it: a throw-away VM executes the instructions of
 * every {@link RingZeroFeature} that KVM reports, in 64-bit mode at CPL 0, and at last SYSCALL.
 *
 * <p>It is one guest program. Where all is well it runs from end to end in one KVM_RUN, and that is
 * all that the probe costs there. At an instruction that fails the probe notes the feature (R15
 * tells which) and goes on behind it.
 */
public final class HostProbe {
  private static final int IA32_STAR = 0xc0000081;
  private static final int IA32_LSTAR = 0xc0000082;
  private static final int IA32_FMASK = 0xc0000084;
  private static final long EFER_SCE = 1;
  private static final long CR0 =
      KvmSregs.CR0_PE
          | KvmSregs.CR0_MP
          | KvmSregs.CR0_ET
          | KvmSregs.CR0_NE
          | KvmSregs.CR0_WP
          | KvmSregs.CR0_PG;
  private static final long CR4_OSFXSR = 1 << 9;

  private static final int R15 = KvmRegs.R8 + 7;

  /** A KVM that only ever reports interruptions is not asked for ever. */
  private static final int MAX_ENTRIES = 1000;

  private final Cpuid supported;
  private final KvmVcpu vcpu;
  private final ProbeProgram program;
  private final Set<RingZeroFeature> missing = EnumSet.noneOf(RingZeroFeature.class);
  private boolean interprets;

  private HostProbe(Cpuid supported, KvmVcpu vcpu, ProbeProgram program) {
    this.supported = supported;
    this.vcpu = vcpu;
    this.program = program;
  }

  /**
   * Probes.
   *
   * @param supported what {@link Kvm#supportedCpuid} gave
   * @throws LinuxException if KVM refuses the VM
   */
  public static HostCapabilities run(Kvm kvm, Cpuid supported) throws LinuxException {
    CloseStack resources = new CloseStack("probe");
    try {
      Mapping memory = resources.push(Layer.MEMORY, Mapping.anonymous(ProbeProgram.MEMORY_BYTES));
      KvmVm vm = resources.push(Layer.VM, kvm.createVm());
      // Intel's VMX wants three pages outside of RAM.
      vm.setTssAddress(ProbeProgram.MEMORY_BYTES);
      vm.setUserMemoryRegion(0, 0, memory);
      KvmVcpu vcpu = resources.push(Layer.VCPUS, vm.createVcpu(0));
      vcpu.setCpuid(supported);
      enterLongMode(vcpu);
      ProbeProgram program = ProbeProgram.write(memory.buffer(0, ProbeProgram.MEMORY_BYTES));
      return new HostProbe(supported, vcpu, program).probe();
    } finally {
      // Linux takes milliseconds to end a VM, waiting for its other processors: not at our expense.
      new WorkerThread("probe/close", resources::close).start();
    }
  }

  private static void enterLongMode(KvmVcpu vcpu) throws LinuxException {
    KvmSregs sregs = vcpu.sregs();
    int code = KvmSregs.TYPE_CODE_READABLE;
    int data = KvmSregs.TYPE_DATA_WRITABLE;
    sregs.segment(Segment.CS, ProbeProgram.KERNEL_CODE, 0, -1, code, 0, true);
    sregs.segment(Segment.SS, ProbeProgram.KERNEL_DATA, 0, -1, data, 0, false);
    sregs.segment(Segment.DS, ProbeProgram.KERNEL_DATA, 0, -1, data, 0, false);
    sregs.segment(Segment.ES, ProbeProgram.KERNEL_DATA, 0, -1, data, 0, false);
    int tss = KvmSregs.TYPE_TSS_BUSY;
    sregs.segment(Segment.TR, 0, ProbeProgram.TSS, ProbeProgram.TSS_LIMIT, tss, 0, false);
    sregs.gdt(ProbeProgram.GDT, ProbeProgram.GDT_LIMIT);
    sregs.idt(ProbeProgram.IDT, ProbeProgram.IDT_LIMIT);
    sregs.cr0(CR0).cr3(ProbeProgram.PAGE_MAP).cr4(KvmSregs.CR4_PAE | CR4_OSFXSR);
    sregs.efer(KvmSregs.EFER_LME | KvmSregs.EFER_LMA | EFER_SCE);
    vcpu.setSregs(sregs);
    // FMASK clears none of the flags: interrupts are off throughout.
    vcpu.setMsrs(
        Map.of(
            IA32_STAR,
            (long) ProbeProgram.KERNEL_CODE << 32,
            IA32_LSTAR,
            ProbeProgram.SYSCALL_ENTRY,
            IA32_FMASK,
            0L));
  }

  private HostCapabilities probe() throws LinuxException {
    KvmRegs regs = new KvmRegs();
    if (enter(regs.rip(ProbeProgram.cpuidStart())) != KvmRun.HLT) {
      throw new LinuxException("KVM_RUN", Errno.EINVAL);
    }
    program.writeFeatures(program.cpuid());
    for (int part = 0; ; ) {
      int exit = enter(regs.rip(program.start(part)));
      regs = vcpu.regs();
      if (exit == KvmRun.HLT && ProbeProgram.isSyscallTarget(regs.rip())) {
        return result(true);
      }
      boolean notEmulated =
          exit == KvmRun.INTERNAL_ERROR
              && vcpu.run().internalSuberror() == KvmRun.INTERNAL_ERROR_EMULATION;
      interprets |= notEmulated;
      int failed = (int) regs.get(R15);
      boolean exception = exit == KvmRun.HLT;
      if (failed < part || failed >= program.features().size() || !notEmulated && !exception) {
        return result(false);
      }
      missing.add(program.features().get(failed));
      part = failed + 1;
    }
  }

  /** Runs the guest from RIP on and returns the exit reason. */
  private int enter(KvmRegs regs) throws LinuxException {
    vcpu.setRegs(
        regs.rflags(KvmRegs.RFLAGS_RESERVED)
            .set(KvmRegs.RSP, ProbeProgram.STACK_TOP)
            .set(KvmRegs.RDI, ProbeProgram.SCRATCH));
    int errno = Errno.EINTR;
    for (int i = 0; i < MAX_ENTRIES && (errno == Errno.EINTR || errno == Errno.EAGAIN); i++) {
      errno = vcpu.enter();
    }
    if (errno != 0) {
      throw new LinuxException("KVM_RUN", errno);
    }
    return vcpu.run().exitReason();
  }

  private HostCapabilities result(boolean syscallWorks) {
    Set<RingZeroFeature> alwaysVisible = EnumSet.noneOf(RingZeroFeature.class);
    for (RingZeroFeature feature : program.features()) {
      if (!missing.contains(feature) && !feature.isRightResult(program.scratch(), supported)) {
        missing.add(feature);
      }
      if (!feature.isReported(supported)) {
        alwaysVisible.add(feature);
      }
    }
    return new HostCapabilities(interprets, syscallWorks, missing, alwaysVisible);
  }
}
