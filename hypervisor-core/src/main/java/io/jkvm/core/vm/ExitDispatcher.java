// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.state.KvmRun;

/**
 * Turns an exit into bus accesses. Knows nothing of KVM but the layout of kvm_run, so it runs on
 * any buffer of that layout; neither allocates nor locks.
 */
public final class ExitDispatcher {
  private final IoBus ports;
  private final IoBus mmio;

  /** What the vCPU's thread does next. */
  public enum Action {
    /** Enter the guest again. */
    RESUME,
    /** The guest is in HLT and no interrupt controller in the kernel will wake it. */
    HALTED,
    /** The processor shut down: a triple fault. */
    SHUTDOWN,
    /** The kernel's system event 1: power-off. */
    POWER_OFF,
    /** The kernel's system event 2: reset. */
    RESET,
    /** KVM can't emulate the instruction at RIP. */
    EMULATION_FAILED,
    /** Anything else: the exit reason says what. */
    UNHANDLED
  }

  public ExitDispatcher(IoBus ports, IoBus mmio) {
    this.ports = ports;
    this.mmio = mmio;
  }

  /** Handles the exit that {@code run} describes. */
  public Action dispatch(KvmRun run) {
    switch (run.exitReason()) {
      case KvmRun.IO -> io(run);
      case KvmRun.MMIO -> mmio(run);
      // Bookkeeping exits that need no answer.
      case KvmRun.INTR,
          KvmRun.IRQ_WINDOW_OPEN,
          KvmRun.SET_TPR,
          KvmRun.IOAPIC_EOI,
          KvmRun.X86_BUS_LOCK -> {}
      case KvmRun.X86_RDMSR, KvmRun.X86_WRMSR -> run.failMsr();
      case KvmRun.HLT -> {
        return Action.HALTED;
      }
      case KvmRun.SHUTDOWN -> {
        return Action.SHUTDOWN;
      }
      case KvmRun.SYSTEM_EVENT -> {
        return switch (run.systemEventType()) {
          case 1 -> Action.POWER_OFF;
          case 2 -> Action.RESET;
          default -> Action.UNHANDLED;
        };
      }
      case KvmRun.INTERNAL_ERROR -> {
        return run.internalSuberror() == KvmRun.INTERNAL_ERROR_EMULATION
            ? Action.EMULATION_FAILED
            : Action.UNHANDLED;
      }
      default -> {
        return Action.UNHANDLED;
      }
    }
    return Action.RESUME;
  }

  private void io(KvmRun run) {
    int port = run.ioPort();
    int size = run.ioSize();
    int count = run.ioCount();
    // rep ins/outs arrive as one exit: the port stays, the data advances.
    if (run.ioIsOut()) {
      for (int i = 0; i < count; i++) {
        ports.write(port, size, run.ioData(i));
      }
    } else {
      for (int i = 0; i < count; i++) {
        run.setIoData(i, ports.read(port, size));
      }
    }
  }

  private void mmio(KvmRun run) {
    long address = run.mmioAddress();
    int length = run.mmioLength();
    boolean whole = length == 1 || length == 2 || length == 4 || length == 8;
    if (run.mmioIsWrite()) {
      if (whole) {
        mmio.write(address, length, run.mmioData());
      } else {
        for (int i = 0; i < length; i++) {
          mmio.write(address + i, 1, run.mmioData() >>> (8 * i));
        }
      }
    } else if (whole) {
      run.setMmioData(mmio.read(address, length));
    } else {
      // The rest of an access that crossed a page: as a bus would, byte by byte.
      long value = 0;
      for (int i = 0; i < length; i++) {
        value |= mmio.read(address + i, 1) << (8 * i);
      }
      run.setMmioData(value);
    }
  }
}
