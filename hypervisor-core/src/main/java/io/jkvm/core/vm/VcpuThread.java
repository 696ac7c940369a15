// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.ThreadSignal;
import io.jkvm.core.vm.emulation.InstructionFixups;

/**
 * The thread that runs one vCPU: enter the guest, handle the exit, again, until the VM stops. A
 * vCPU that can't go on stops the whole VM with its reason.
 */
final class VcpuThread {
  /** Not canonical, so no instruction is there. */
  private static final long NO_RIP = 1L << 63;

  private final KvmVcpu vcpu;
  private final ExitDispatcher dispatcher;
  private final InstructionFixups fixups;
  private final StopLatch stop;
  private final Thread thread;

  // Guarded by this: set while a signal may be sent to the thread.
  private ThreadSignal signal;

  // Guarded by this: set once the vCPU may be closed, its kvm_run page unmapped.
  private boolean ended;

  VcpuThread(
      String vmName,
      KvmVcpu vcpu,
      ExitDispatcher dispatcher,
      InstructionFixups fixups,
      StopLatch stop) {
    this.vcpu = vcpu;
    this.dispatcher = dispatcher;
    this.fixups = fixups;
    this.stop = stop;
    this.thread = new Thread(this::runUntilStopped, vmName + "-vcpu" + vcpu.id());
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Makes the vCPU leave the guest soon. Safe from any thread, at any time. */
  synchronized void kick() {
    if (ended) {
      return;
    }
    vcpu.setImmediateExit(true);
    if (signal != null) {
      signal.send();
    }
  }

  /**
   * Kicks until the thread has ended, so that the vCPU may be closed; false if it has not after the
   * given time.
   */
  boolean join(long timeoutMilliseconds) throws InterruptedException {
    long deadline = System.nanoTime() + timeoutMilliseconds * 1_000_000;
    while (thread.isAlive() && System.nanoTime() < deadline) {
      kick();
      thread.join(10);
    }
    if (thread.isAlive()) {
      return false;
    }
    // Whoever asked for the stop may still be on its way to kick.
    synchronized (this) {
      ended = true;
    }
    return true;
  }

  private void runUntilStopped() {
    try {
      synchronized (this) {
        signal = ThreadSignal.current();
      }
      enterUntilStopped();
    } catch (LinuxException | RuntimeException e) {
      stop.request(StopReason.Kind.VCPU_FAILURE, "vCPU " + vcpu.id() + ": " + e);
    } catch (Error e) {
      stop.request(StopReason.Kind.HOST_FAILURE, "vCPU " + vcpu.id() + ": " + e);
    } finally {
      synchronized (this) {
        signal = null;
      }
    }
  }

  private void enterUntilStopped() throws LinuxException {
    KvmRun run = vcpu.run();
    long failedRip = NO_RIP;
    while (!stop.isRequested()) {
      int errno = vcpu.enter();
      if (errno != 0) {
        if (errno == Errno.EINTR || errno == Errno.EAGAIN) {
          continue;
        }
        throw new LinuxException("KVM_RUN", errno);
      }
      ExitDispatcher.Action action = dispatcher.dispatch(run);
      if (action == ExitDispatcher.Action.RESUME) {
        failedRip = NO_RIP;
      } else if (action == ExitDispatcher.Action.EMULATION_FAILED) {
        if (!fixups.complete()) {
          // Another vCPU may have replaced an INT3 since: tried once more before it is an error.
          long rip = fixups.dropQueuedException();
          if (rip == failedRip) {
            stop.request(reasonFor(action, run));
          }
          failedRip = rip;
        }
      } else {
        stop.request(reasonFor(action, run));
      }
    }
  }

  private StopReason reasonFor(ExitDispatcher.Action action, KvmRun run) throws LinuxException {
    return switch (action) {
      case RESET -> new StopReason(StopReason.Kind.GUEST_RESET, "");
      case POWER_OFF -> new StopReason(StopReason.Kind.GUEST_POWER_OFF, "");
      case SHUTDOWN ->
          new StopReason(
              StopReason.Kind.TRIPLE_FAULT,
              "vCPU " + vcpu.id() + " shut down in " + vcpu.sregs().mode());
      case HALTED ->
          new StopReason(
              StopReason.Kind.VCPU_FAILURE,
              "vCPU " + vcpu.id() + " halted with nothing to wake it");
      case EMULATION_FAILED -> new StopReason(StopReason.Kind.EMULATION_FAILURE, fixups.report());
      case UNHANDLED, RESUME ->
          new StopReason(
              StopReason.Kind.VCPU_FAILURE,
              "vCPU "
                  + vcpu.id()
                  + " stopped with "
                  + KvmRun.name(run.exitReason())
                  + ", data "
                  + run.dataWords(4)
                  + "\n  "
                  + vcpu.regs()
                  + "\n  "
                  + vcpu.sregs());
    };
  }
}
