// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.core.vm.emulation.InstructionFixups;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;

/**
 * A VM that is ready to run: vCPUs whose registers are set, buses with their devices, and
 * everything that has to be closed after it. Many may live in one process.
 *
 * <p>{@link #start}, then {@link #awaitStop}, then {@link #close}; {@link StopLatch#request} may
 * come from any thread at any time.
 */
public final class VirtualMachine implements AutoCloseable {
  private static final long JOIN_MILLISECONDS = 10_000;

  private final List<VcpuThread> vcpus;
  private final StopLatch stop;
  private final CloseStack resources;
  private boolean closed;

  /**
   * Puts the parts together; takes charge of {@code resources}.
   *
   * @param name for the names of threads
   * @param resources closed once no vCPU runs any more: devices first, RAM last
   */
  public VirtualMachine(
      String name,
      GuestMemory memory,
      List<KvmVcpu> vcpus,
      IoBus ports,
      IoBus mmio,
      StopLatch stop,
      CloseStack resources) {
    ExitDispatcher dispatcher = new ExitDispatcher(ports, mmio);
    this.vcpus =
        vcpus.stream()
            .map(v -> new VcpuThread(name, v, dispatcher, new InstructionFixups(memory, v), stop))
            .toList();
    this.stop = stop;
    this.resources = resources;
    stop.onRequest(() -> this.vcpus.forEach(VcpuThread::kick));
  }

  /** Starts the vCPUs. */
  public void start() {
    vcpus.forEach(VcpuThread::start);
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

  /** Stops the vCPUs, flushes and closes the devices, gives back the memory. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    stop.request(StopReason.Kind.REQUESTED, "");
    boolean interrupted = Thread.interrupted();
    boolean allEnded = true;
    for (VcpuThread vcpu : vcpus) {
      for (boolean joined = false; !joined; ) {
        try {
          allEnded &= vcpu.join(JOIN_MILLISECONDS);
          joined = true;
        } catch (InterruptedException e) {
          interrupted = true; // remembered, but the vCPU's end is waited for
        }
      }
    }
    if (allEnded) {
      resources.close();
    } else {
      // Unmapping RAM under a running vCPU would end the whole process.
      LoggerFactory.getLogger(VirtualMachine.class)
          .error("a vCPU thread did not stop; its VM's memory and devices stay open");
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
