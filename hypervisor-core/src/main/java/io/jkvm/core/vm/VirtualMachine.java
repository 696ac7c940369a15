// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.vm.emulation.InstructionFixups;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A VM that is ready to run: vCPUs whose registers are set, buses with their devices, and
 * everything that has to be closed after it. Many may live in one process.
 *
 * <p>{@link #start}, then {@link #awaitStop}, then {@link #close}; {@link StopLatch#request} may
 * come from any thread at any time, {@link #pause} and {@link #resume} from any thread that is not
 * a vCPU's.
 *
 * <p>Locks: starting, pausing, resuming and closing exclude each other by the monitor of this
 * object, which no vCPU takes; so a device that keeps a vCPU busy can delay them, but not for ever.
 */
public final class VirtualMachine implements Pausable, AutoCloseable {
  // Both a little more than the 10 s that a device's reset, on a vCPU's thread, waits for requests.
  private static final long JOIN_MILLISECONDS = 15_000;
  private static final long PAUSE_MILLISECONDS = 15_000;

  /** A vCPU that a device keeps longer is alive. */
  private static final long LOOK_NANOSECONDS = 20_000_000;

  private final List<VcpuThread> vcpus;
  private final StopLatch stop;
  private final CloseStack resources;
  private final HaltWatch haltWatch;

  // Guarded by this.
  private boolean paused;
  private boolean closed;
  private long pausedClock;

  /**
   * Puts the parts together; takes charge of {@code resources}.
   *
   * @param name for the names of threads
   * @param vcpus of one VM, at least one
   * @param resources closed once no vCPU runs any more
   */
  public VirtualMachine(
      String name,
      GuestMemory memory,
      List<KvmVcpu> vcpus,
      IoBus ports,
      IoBus mmio,
      StopLatch stop,
      CloseStack resources) {
    if (vcpus.isEmpty()) {
      throw new IllegalArgumentException("a machine without vCPUs");
    }
    ExitDispatcher dispatcher = new ExitDispatcher(ports, mmio);
    Heartbeat heartbeat = new Heartbeat(System.nanoTime());
    this.vcpus =
        vcpus.stream()
            .map(
                vcpu ->
                    new VcpuThread(
                        name,
                        vcpu,
                        dispatcher,
                        new InstructionFixups(memory, vcpu),
                        stop,
                        heartbeat))
            .toList();
    this.stop = stop;
    this.resources = resources;
    haltWatch = new HaltWatch(name, this.vcpus, this::lookForEnd, stop, heartbeat);
    stop.onRequest(() -> this.vcpus.forEach(VcpuThread::kick));
  }

  /** Starts the vCPUs; if {@link #pause} came before, they wait for {@link #resume}. */
  public synchronized void start() {
    haltWatch.start();
    vcpus.forEach(VcpuThread::start);
  }

  /** Why the guest never can go on; empty if it can, or is paused. */
  private synchronized Optional<StopReason> lookForEnd() throws LinuxException {
    if (paused || closed) {
      return Optional.empty();
    }
    try {
      if (park(System.nanoTime() + LOOK_NANOSECONDS).isPresent() || !allHaltedForGood()) {
        return Optional.empty();
      }
      String where = String.format(", vCPU 0 at 0x%x", vcpus.get(0).vcpu().regs().rip());
      return Optional.of(
          new StopReason(
              StopReason.Kind.GUEST_DEAD,
              "every vCPU waits with interrupts off, so nothing can wake it" + where));
    } finally {
      release();
    }
  }

  private boolean allHaltedForGood() throws LinuxException {
    for (VcpuThread vcpu : vcpus) {
      if (!vcpu.vcpu().isHaltedForGood()) {
        return false;
      }
    }
    return true;
  }

  /**
   * Stops all vCPUs outside of the guest, within 15 s; otherwise as {@link #pause(long)}.
   *
   * @throws PauseTimeoutException naming the vCPU that a device keeps busy; all run on
   */
  @Override
  public void pause() throws PauseTimeoutException {
    pause(PAUSE_MILLISECONDS);
  }

  /**
   * Stops all vCPUs outside of the guest. On return every port or memory access that a guest
   * instruction began is complete, and its result is in the registers that {@link #vcpus} give.
   *
   * <p>Guest time: kvmclock stands still from here to {@link #resume}, which sets it back to where
   * it was (KVM_SET_CLOCK without flags, as the last thing before the first KVM_RUN) and tells the
   * guest that it was stopped (KVM_KVMCLOCK_CTRL), so that its watchdogs stay quiet. The guest's
   * wall clock is late by the pause afterwards. The TSC runs on, because a KVM without hardware
   * behind it can't offset it: a guest with the TSC as its clock source sees the pause as a jump.
   *
   * <p>A pause of a paused machine does nothing. Before {@link #start} it makes the vCPUs start
   * paused. After the end, by {@link #requestStop} or by itself, there is nothing left to pause,
   * and it returns once the vCPUs have ended. A stop ends a paused machine without a resume. Of
   * several threads one pauses, the others wait for that. An interrupt does not cut it short.
   *
   * @param milliseconds how long to wait for vCPUs that are in a device
   * @throws PauseTimeoutException naming a vCPU that did not come back in time; all run on as if
   *     nothing had been asked
   * @throws IllegalStateException if called by a vCPU's thread, which can't wait for itself
   */
  public synchronized void pause(long milliseconds) throws PauseTimeoutException {
    if (isVcpuThread()) {
      throw new IllegalStateException("a vCPU can't pause its own machine");
    }
    if (paused || closed) {
      return;
    }
    Optional<VcpuThread> late = park(System.nanoTime() + milliseconds * 1_000_000);
    if (late.isPresent()) {
      release();
      throw new PauseTimeoutException(late.get().name(), milliseconds);
    }
    try {
      pausedClock = vcpus.get(0).vcpu().vm().clock();
    } catch (LinuxException e) {
      release();
      throw new UncheckedIOException(e);
    }
    paused = true;
  }

  /** Parks all vCPUs; otherwise gives one that has not parked in time. */
  private Optional<VcpuThread> park(long deadline) {
    vcpus.forEach(VcpuThread::requestPause);
    return vcpus.stream().filter(vcpu -> !vcpu.awaitParked(deadline)).findFirst();
  }

  /**
   * Lets the vCPUs go on where {@link #pause} stopped them; does nothing if the machine is not
   * paused. Returns once each has left its park.
   */
  @Override
  public synchronized void resume() {
    if (!paused) {
      return;
    }
    paused = false;
    try {
      if (!closed) {
        for (VcpuThread vcpu : vcpus) {
          vcpu.vcpu().kvmclockCtrl();
        }
        vcpus.get(0).vcpu().vm().setClock(pausedClock);
      }
    } catch (LinuxException e) {
      throw new UncheckedIOException(e);
    } finally {
      release();
    }
  }

  private void release() {
    vcpus.forEach(VcpuThread::resume);
    vcpus.forEach(VcpuThread::awaitUnparked);
  }

  /** True between {@link #pause} and {@link #resume}. */
  public synchronized boolean isPaused() {
    return paused;
  }

  /**
   * The vCPUs by number. Whoever reads or changes their state must do so before {@link #start} or
   * while the machine is paused, and from one thread at a time.
   */
  public List<KvmVcpu> vcpus() {
    return vcpus.stream().map(VcpuThread::vcpu).toList();
  }

  /** Whether the caller is a vCPU's thread, which can't wait for its own machine. */
  public boolean isVcpuThread() {
    return vcpus.stream().anyMatch(VcpuThread::isCurrent);
  }

  /** Asks for the end; false if the VM already had another reason to stop. */
  public boolean requestStop(StopReason reason) {
    return stop.request(reason);
  }

  /** Waits until something stops the VM. */
  public StopReason awaitStop() throws InterruptedException {
    return stop.await();
  }

  /** Waits for a limited time; empty if the VM still runs then. */
  public Optional<StopReason> awaitStop(long timeout, TimeUnit unit) throws InterruptedException {
    return stop.await(timeout, unit);
  }

  /**
   * Stops the vCPUs, then closes the resources in the order of their layers. If a vCPU does not
   * come back from a device within 15 s, what it may touch stays open: unmapping RAM under it would
   * end the whole process. Disks are flushed in any case. An interrupt does not cut it short.
   */
  @Override
  public void close() {
    stop.request(StopReason.Kind.REQUESTED, "");
    haltWatch.end(JOIN_MILLISECONDS); // without the monitor, which its look may be waiting for
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      for (VcpuThread vcpu : vcpus) {
        if (!vcpu.join(JOIN_MILLISECONDS)) {
          resources.keepForThread(vcpu.name());
        }
      }
      resources.close();
    }
  }

  /** What {@link #close} could not do, in order: vCPUs that did not end, failed flushes, closes. */
  public List<Exception> closeFailures() {
    return resources.failures();
  }
}
