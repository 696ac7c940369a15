// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.vm.VirtualMachine;
import io.jkvm.devices.legacy.AcpiPm;
import io.jkvm.devices.legacy.ExitStatusPort;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.virtio.block.VirtioBlock;
import io.jkvm.devices.virtio.net.NetStatistics;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.MachineStatistics;
import io.jkvm.machine.report.Problem;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The parts of a machine that is ready to run. Its state is the owner's to guard. */
public final class AssembledMachine {
  private final VirtualMachine vm;
  private final Uart16550 serial;
  private final AcpiPm powerManagement;
  private final ExitStatusPort exitStatus;
  private final List<VirtioBlock> disks;
  private final List<VirtioNet> cards;
  private final Optional<GuestAgent> agent;
  private final List<Pausable> devices;
  private final CloseStack resources;

  AssembledMachine(
      VirtualMachine vm,
      Uart16550 serial,
      AcpiPm powerManagement,
      ExitStatusPort exitStatus,
      List<VirtioBlock> disks,
      List<VirtioNet> cards,
      Optional<GuestAgent> agent,
      List<Pausable> devices,
      CloseStack resources) {
    this.vm = vm;
    this.serial = serial;
    this.powerManagement = powerManagement;
    this.exitStatus = exitStatus;
    this.disks = List.copyOf(disks);
    this.cards = List.copyOf(cards);
    this.agent = agent;
    this.devices = List.copyOf(devices);
    this.resources = resources;
  }

  /** The registers behind the power button. */
  public AcpiPm powerManagement() {
    return powerManagement;
  }

  /** Where the guest leaves its exit status. */
  public ExitStatusPort exitStatus() {
    return exitStatus;
  }

  /** The agent, where the specification asks for one. */
  public Optional<GuestAgent> agent() {
    return agent;
  }

  /** Who is told that the serial port may take more input. */
  public void onReceiveRoom(Runnable listener) {
    serial.onReceiveRoom(listener);
  }

  /**
   * Gives the serial port what it takes now.
   *
   * @return how many bytes that is; 0 while the machine is paused
   */
  public int receive(byte[] bytes, int from, int length) {
    return serial.receive(bytes, from, length);
  }

  /** Gives the guest's serial port a break; false if it takes nothing now. */
  public boolean receiveBreak() {
    return serial.receiveBreak();
  }

  /** Starts the vCPUs. */
  public void start() {
    vm.start();
  }

  /**
   * Brings all to rest, the vCPUs first: one of them may be inside a device, and wait for it.
   *
   * @param name the machine's, for the message
   * @throws MachineException if a part did not come to rest, or failed to; then all go on
   */
  public void pause(String name) {
    try {
      pauseParts();
    } catch (PauseTimeoutException e) {
      throw new MachineException(Problem.PAUSE_TIMEOUT, name + ": " + e.getMessage(), e);
    } catch (RuntimeException e) {
      throw new MachineException(Problem.DEVICE, name + ": pausing failed: " + e, e);
    }
  }

  private void pauseParts() throws PauseTimeoutException {
    List<Pausable> parts = new ArrayList<>();
    parts.add(vm);
    parts.addAll(devices);
    int paused = 0;
    try {
      for (; paused < parts.size(); paused++) {
        parts.get(paused).pause();
      }
    } catch (Throwable e) { // a device may throw what it does not declare
      // The one that failed too: it may have come half way.
      for (int i = Math.min(paused, parts.size() - 1); i >= 0; i--) {
        resume(parts.get(i), e);
      }
      throw e;
    }
  }

  /**
   * Lets all go on, the vCPUs last: guest time begins with them.
   *
   * @throws IllegalStateException if one of them can't; the others go on
   */
  public void resume() {
    IllegalStateException failure = new IllegalStateException("resume");
    for (int i = devices.size() - 1; i >= 0; i--) {
      resume(devices.get(i), failure);
    }
    resume(vm, failure);
    if (failure.getSuppressed().length > 0) {
      throw new IllegalStateException(failure.getSuppressed()[0].toString(), failure);
    }
  }

  private static void resume(Pausable part, Throwable failure) {
    try {
      part.resume();
    } catch (Throwable e) {
      if (e != failure) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Whether the caller is a vCPU's thread, which can't wait for its own machine. */
  public boolean isVcpuThread() {
    return vm.isVcpuThread();
  }

  /** Plugs the cable of a card in or out. */
  public void setLink(int card, boolean up) {
    cards.get(card).setLink(up);
  }

  /**
   * Looks whether a disk has become larger; may wait for the host, also while the machine is being
   * closed.
   *
   * @throws MachineException if that can't be found out
   */
  public void rescanDisk(int disk) {
    try {
      disks.get(disk).rescan();
    } catch (IOException | RuntimeException e) { // a backend of the user's own may throw anything
      throw Problems.backend(Problem.DISK_FAILED, disks.get(disk).name(), e);
    }
  }

  /**
   * Tells the guest how large a disk is, if that is more than it knows of.
   *
   * @return what the guest is told, in bytes
   */
  public long announceDisk(int disk) {
    return disks.get(disk).announceCapacity();
  }

  /** What the devices have counted. */
  public MachineStatistics statistics(long consoleBytes) {
    List<MachineStatistics.Card> counted = new ArrayList<>();
    for (VirtioNet card : cards) {
      NetStatistics frames = card.statistics();
      counted.add(
          new MachineStatistics.Card(
              frames.received(), frames.receiveDropped(), frames.sent(), frames.sendDropped()));
    }
    return new MachineStatistics(consoleBytes, counted);
  }

  /**
   * Ends all threads, flushes and closes everything.
   *
   * @return what failed, such as the last flush of a disk
   */
  public List<Exception> close() {
    vm.close();
    return resources.failures();
  }
}
