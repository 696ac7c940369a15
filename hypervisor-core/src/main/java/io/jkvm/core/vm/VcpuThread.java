// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.lifecycle.RememberedInterrupt;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.ThreadSignal;
import io.jkvm.core.vm.emulation.InstructionFixups;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The thread that runs one vCPU: enter the guest, handle the exit, again, until the VM stops. A
 * vCPU that can't go on stops the whole VM with its reason.
 *
 * <p>To pause it, another thread sets {@link #pauseWanted}, then kvm_run.immediate_exit, then sends
 * a signal; in this order none of them can be missed. The vCPU's thread parks only after KVM_RUN
 * has said EINTR, which it does not before the result of the last port or MMIO read is in the
 * guest's registers. immediate_exit is cleared by the vCPU's thread alone, after EINTR: a late kick
 * costs one empty KVM_RUN.
 */
final class VcpuThread {
  /** Not canonical, so no instruction is there. */
  private static final long NO_RIP = 1L << 63;

  private static final long KICK_MILLISECONDS = 10;

  private enum State {
    /** The thread has not come to look at {@link #pauseWanted} yet. */
    NEW,
    RUNNING,
    PARKED,
    /** The thread no longer uses the vCPU, whose kvm_run page may be unmapped. */
    ENDED
  }

  private final KvmVcpu vcpu;
  private final ExitDispatcher dispatcher;
  private final InstructionFixups fixups;
  private final StopLatch stop;
  private final Heartbeat.Listener heartbeat;
  private final WorkerThread thread;

  /** Written by the vCPU's thread alone; without a fence, which each exit would pay for. */
  private final AtomicLong exits = new AtomicLong();

  /** Written with the lock held, read without. */
  private volatile boolean pauseWanted;

  // Guarded by this.
  private State state = State.NEW;

  // Guarded by this: set while a signal may be sent to the thread.
  private ThreadSignal signal;

  VcpuThread(
      String vmName,
      KvmVcpu vcpu,
      ExitDispatcher dispatcher,
      InstructionFixups fixups,
      StopLatch stop,
      Heartbeat heartbeat) {
    this.vcpu = vcpu;
    this.dispatcher = dispatcher;
    this.fixups = fixups;
    this.stop = stop;
    this.heartbeat = heartbeat.listener();
    this.thread = new WorkerThread(vmName + "/vcpu" + vcpu.id(), this::runUntilStopped);
  }

  KvmVcpu vcpu() {
    return vcpu;
  }

  String name() {
    return "vCPU " + vcpu.id();
  }

  /** How often the vCPU has left the guest for something to be done; recent, not exact. */
  long exits() {
    return exits.get();
  }

  void start() {
    thread.start();
  }

  boolean isCurrent() {
    return thread.isCurrent();
  }

  /** Makes the vCPU leave the guest or its park soon. Safe from any thread, at any time. */
  synchronized void kick() {
    if (state == State.ENDED) {
      return;
    }
    vcpu.setImmediateExit(true);
    if (signal != null) {
      signal.send();
    }
    notifyAll();
  }

  /** Asks for a pause; {@link #awaitParked} waits for it. */
  synchronized void requestPause() {
    pauseWanted = true;
    if (state == State.RUNNING) {
      kick();
    }
  }

  /**
   * Kicks until the vCPU is parked, or can't run guest code for another reason: it has ended or not
   * begun.
   *
   * @param deadline of {@link System#nanoTime}
   * @return false when the time ran out
   */
  synchronized boolean awaitParked(long deadline) {
    try (RememberedInterrupt interrupt = new RememberedInterrupt()) {
      while (state == State.RUNNING) {
        if (System.nanoTime() - deadline > 0) {
          return false;
        }
        kick();
        interrupt.wait(this, KICK_MILLISECONDS);
      }
      return true;
    }
  }

  /** Ends a pause, or the wish for one; {@link #awaitUnparked} waits until it has. */
  synchronized void resume() {
    pauseWanted = false;
    notifyAll();
  }

  /** Waits until the vCPU has left its park, so that it can't be taken for parked any more. */
  synchronized void awaitUnparked() {
    try (RememberedInterrupt interrupt = new RememberedInterrupt()) {
      while (state == State.PARKED) {
        interrupt.wait(this, 0);
      }
    }
  }

  /**
   * Kicks until the thread has ended, so that the vCPU may be closed; false if it has not after the
   * given time, or is the caller.
   */
  boolean join(long timeoutMilliseconds) {
    long deadline = System.nanoTime() + timeoutMilliseconds * 1_000_000;
    while (!thread.join(0)) {
      if (thread.isCurrent() || System.nanoTime() - deadline > 0) {
        return false;
      }
      kick();
      thread.join(KICK_MILLISECONDS);
    }
    // Whoever asked for the stop may still be on its way to kick.
    synchronized (this) {
      state = State.ENDED;
    }
    return true;
  }

  private void runUntilStopped() {
    try {
      synchronized (this) {
        signal = ThreadSignal.current();
        state = State.RUNNING;
      }
      parkIfWanted();
      enterUntilStopped();
    } catch (LinuxException | RuntimeException e) {
      stop.request(StopReason.Kind.VCPU_FAILURE, name() + ": " + e);
    } catch (Throwable e) { // a device may throw what it does not declare
      stop.request(StopReason.Kind.HOST_FAILURE, name() + ": " + e);
    } finally {
      synchronized (this) {
        signal = null;
        state = State.ENDED;
        notifyAll();
      }
    }
  }

  private void enterUntilStopped() throws LinuxException {
    KvmRun run = vcpu.run();
    long failedRip = NO_RIP;
    while (!stop.isRequested()) {
      if (pauseWanted) {
        vcpu.setImmediateExit(true); // KVM_RUN completes the last exit and returns EINTR
      }
      if (heartbeat.missed(System.nanoTime())) {
        vcpu.kvmclockCtrl(); // the guest's clocks ran on: its watchdogs would report a lockup
      }
      int errno = vcpu.enter();
      if (errno != 0) {
        if (errno == Errno.EINTR) {
          parkIfWanted();
        } else if (errno != Errno.EAGAIN) {
          throw new LinuxException("KVM_RUN", errno);
        }
        continue;
      }
      exits.lazySet(exits.getPlain() + 1);
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

  /** Called where no exit is half done: before the first KVM_RUN, and after EINTR. */
  private synchronized void parkIfWanted() {
    vcpu.setImmediateExit(false); // a stop is seen by the loop, with or without it
    if (!pauseWanted) {
      return;
    }
    state = State.PARKED;
    notifyAll();
    try (RememberedInterrupt interrupt = new RememberedInterrupt()) {
      while (pauseWanted && !stop.isRequested()) {
        interrupt.wait(this, 0);
      }
    }
    state = State.RUNNING;
    notifyAll();
  }

  private StopReason reasonFor(ExitDispatcher.Action action, KvmRun run) throws LinuxException {
    return switch (action) {
      case RESET -> new StopReason(StopReason.Kind.GUEST_RESET, "");
      case POWER_OFF -> new StopReason(StopReason.Kind.GUEST_POWER_OFF, "");
      case SHUTDOWN ->
          new StopReason(
              StopReason.Kind.TRIPLE_FAULT, name() + " shut down in " + vcpu.sregs().mode());
      case HALTED -> failure("halted with nothing to wake it");
      case EMULATION_FAILED -> new StopReason(StopReason.Kind.EMULATION_FAILURE, fixups.report());
      case UNHANDLED, RESUME -> {
        String exit = "stopped with " + KvmRun.name(run.exitReason());
        String why =
            run.exitReason() == KvmRun.FAIL_ENTRY
                ? String.format(", hardware reason 0x%x", run.hardwareEntryFailureReason())
                : ", data " + run.dataWords(4);
        yield failure(exit + why + "\n  " + vcpu.regs() + "\n  " + vcpu.sregs());
      }
    };
  }

  private StopReason failure(String how) {
    return new StopReason(StopReason.Kind.VCPU_FAILURE, name() + " " + how);
  }
}
