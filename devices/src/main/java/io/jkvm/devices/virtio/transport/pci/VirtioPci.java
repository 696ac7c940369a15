// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport.pci;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.Doorbell;
import io.jkvm.core.bus.Doorbells;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.irq.MsiVectors;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.pci.Msix;
import io.jkvm.devices.pci.PciConfigSpace;
import io.jkvm.devices.pci.PciFunction;
import io.jkvm.devices.pci.PciIdentity;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.transport.VirtioFunction;
import io.jkvm.devices.virtio.transport.VirtioHost;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A virtio device on a PCI bus (virtio 1.2, section 4.1), without the legacy interface: structures
 * in base address register 0, MSI-X in 1.
 *
 * <p>While the driver does not let the function be bus master, it touches neither guest RAM nor
 * rings and sends no message. A write of 0 to device_status returns when the request in flight is
 * finished or has taken too long; drivers poll. Meanwhile nothing that holds the PCI bus's lock
 * waits for it longer than {@value #PATIENCE_MILLISECONDS} ms: what comes by the configuration
 * access capability reads as all ones then, and writes nothing. Lock order: the PCI bus, the common
 * structure, then the {@link VirtioFunction}.
 */
public final class VirtioPci implements PciFunction, Pausable, AutoCloseable {
  private static final int VENDOR_ID = 0x1af4;
  private static final int FIRST_DEVICE_ID = 0x1040;
  private static final int REVISION = 1;
  private static final int INTA = 1;
  private static final int MSIX_BAR = 1;
  private static final long PATIENCE_MILLISECONDS = 1000;

  /** Offsets in the PCI configuration access capability. */
  private static final int ACCESS_BAR = 4;

  private static final int ACCESS_OFFSET = 8;
  private static final int ACCESS_LENGTH = 12;
  private static final int ACCESS_DATA = 16;

  private final VirtioDevice device;
  private final ConfigSpace deviceConfig;
  private final Doorbells doorbells;
  private final PciConfigSpace config;
  private final Msix msix;
  private final VirtioPciInterrupts interrupts;
  private final VirtioFunction state;
  private final VirtioPciCommon common;
  private final Structures structures = new Structures();

  /** Held by each access to {@link #common}. */
  private final ReentrantLock commonLock = new ReentrantLock();

  /** Guarded by itself. */
  private final boolean[] attached;

  private final int access;

  /** As the Command register last said; guarded by the bus's lock. */
  private boolean busMaster;

  /**
   * A transport for one device.
   *
   * @param vectors one for each queue and one for configuration changes are taken, as far as MSI-X
   *     has room
   * @param intx the level-triggered line of INTA#
   * @param gsi the number of that line, for the Interrupt Line register
   * @throws LinuxException if the host has no more eventfds
   */
  public VirtioPci(VirtioDevice device, VirtioHost host, MsiVectors vectors, IrqLine intx, int gsi)
      throws LinuxException {
    int queueCount = device.queueSizes().length;
    if (queueCount > VirtioPciCapabilities.MAX_QUEUES) {
      throw new IllegalArgumentException(device.name() + ": " + queueCount + " queues");
    }
    this.device = device;
    deviceConfig = device.config();
    doorbells = host.doorbells();
    VirtioType type = device.type();
    int id = FIRST_DEVICE_ID + type.deviceId();
    config =
        new PciConfigSpace(
            new PciIdentity(VENDOR_ID, id, REVISION, type.pciClassCode(), VENDOR_ID, id));
    config.interrupt(INTA, gsi);
    VirtioPciCapabilities.addStructures(config, queueCount);
    access = VirtioPciCapabilities.addConfigAccess(config);
    int vectorCount = Math.min(queueCount + 1, Msix.MAX_VECTORS);
    msix = new Msix(config, MSIX_BAR, vectorCount, vectors);
    interrupts = new VirtioPciInterrupts(msix, queueCount, intx);
    state = new VirtioFunction(device, host, interrupts, true);
    state.busMaster(false);
    common = new VirtioPciCommon(state, interrupts);
    attached = new boolean[queueCount];
  }

  public VirtioDevice device() {
    return device;
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public PciConfigSpace configSpace() {
    return config;
  }

  @Override
  public long readConfig(int offset, int size) {
    if (touchesAccessData(offset)) {
      config.set32(access + ACCESS_DATA, (int) readThroughConfig());
    }
    long value = config.read(offset, size);
    int status = PciConfigSpace.STATUS - offset;
    if (status >= 0 && status < size && interrupts.pending()) {
      value |= (long) PciConfigSpace.STATUS_INTERRUPT << (8 * status);
    }
    return value;
  }

  @Override
  public void writeConfig(int offset, int size, long value) {
    config.write(offset, size, value);
    boolean newBusMaster = config.busMasterEnabled();
    if (newBusMaster != busMaster) {
      busMaster = newBusMaster;
      state.busMaster(newBusMaster);
    }
    msix.configSpaceWritten();
    interrupts.configSpaceWritten(config.intxDisabled());
    if (touchesAccessData(offset)) {
      writeThroughConfig();
    }
  }

  /** An access never leaves its aligned 4 bytes, and pci_cfg_data is such. */
  private boolean touchesAccessData(int offset) {
    return (offset & ~3) == access + ACCESS_DATA;
  }

  /** Section 4.1.4.9.1: an access to the register that cap.bar, cap.offset and cap.length name. */
  private long readThroughConfig() {
    BusDevice target = accessTarget();
    if (target == null) {
      return 0;
    }
    int offset = config.get32(access + ACCESS_OFFSET);
    int size = config.get32(access + ACCESS_LENGTH);
    if (!isCommon(target, offset)) {
      return target.read(offset, size);
    }
    if (!lockCommonSoon()) {
      return -1;
    }
    try {
      return target.read(offset, size);
    } finally {
      commonLock.unlock();
    }
  }

  private boolean isCommon(BusDevice target, int offset) {
    return target == structures && (offset & ~0xfff) == VirtioPciCapabilities.COMMON;
  }

  /** With the bus's lock held: others wait behind whoever waits here. */
  private boolean lockCommonSoon() {
    try {
      return commonLock.tryLock(PATIENCE_MILLISECONDS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** With the bus's lock held: a reset goes on after this returns, and the driver polls. */
  private void writeThroughConfig() {
    BusDevice target = accessTarget();
    if (target == null) {
      return;
    }
    int size = config.get32(access + ACCESS_LENGTH);
    long data = Integer.toUnsignedLong(config.get32(access + ACCESS_DATA));
    int offset = config.get32(access + ACCESS_OFFSET);
    long value = size == 4 ? data : data & (1 << 8 * size) - 1;
    if (!isCommon(target, offset)) {
      target.write(offset, size, value);
    } else if (lockCommonSoon()) {
      try {
        common.writeWithoutWaiting(offset, size, value);
      } finally {
        commonLock.unlock();
      }
    }
  }

  private BusDevice accessTarget() {
    int bar = config.get8(access + ACCESS_BAR);
    int offset = config.get32(access + ACCESS_OFFSET);
    int length = config.get32(access + ACCESS_LENGTH);
    boolean exists = bar < PciConfigSpace.BAR_COUNT && config.barBytes(bar) > 0;
    boolean whole = length == 1 || length == 2 || length == 4;
    return exists && whole && offset % length == 0 && offset >= 0 && offset < config.barBytes(bar)
        ? bar(bar)
        : null;
  }

  @Override
  public BusDevice bar(int bar) {
    return bar == MSIX_BAR ? msix : structures;
  }

  @Override
  public void barMapped(int bar, long address) {
    if (bar == VirtioPciCapabilities.BAR) {
      synchronized (attached) {
        for (int queue = 0; queue < attached.length; queue++) {
          attached[queue] = doorbells.attach(state.notify(queue), notifyDoorbell(address, queue));
        }
      }
    }
  }

  @Override
  public void barUnmapped(int bar, long address) {
    if (bar == VirtioPciCapabilities.BAR) {
      synchronized (attached) {
        for (int queue = 0; queue < attached.length; queue++) {
          if (attached[queue]) {
            doorbells.detach(state.notify(queue), notifyDoorbell(address, queue));
            attached[queue] = false;
          }
        }
      }
    }
  }

  private static Doorbell notifyDoorbell(long barAddress, int queue) {
    return Doorbell.anyWrite(
        barAddress
            + VirtioPciCapabilities.NOTIFY
            + (long) VirtioPciCapabilities.NOTIFY_MULTIPLIER * queue);
  }

  @Override
  public void pause() throws PauseTimeoutException {
    state.pause();
  }

  @Override
  public void resume() {
    state.resume();
  }

  /**
   * Ends the queues' services, so that guest RAM may be unmapped. No vCPU may run any more.
   *
   * @throws io.jkvm.core.lifecycle.CloseStack.StillInUse if a request hangs in the host
   */
  @Override
  public void close() {
    state.close();
  }

  /** Base address register 0. */
  private final class Structures implements BusDevice {
    @Override
    public long read(long offset, int size) {
      int within = (int) offset & 0xfff;
      switch ((int) offset & ~0xfff) {
        case VirtioPciCapabilities.COMMON:
          commonLock.lock();
          try {
            return common.read(within, size);
          } finally {
            commonLock.unlock();
          }
        case VirtioPciCapabilities.ISR:
          return within == 0 ? interrupts.readIsr() : 0;
        case VirtioPciCapabilities.DEVICE:
          return deviceConfig.read(within, size);
        default:
          return 0;
      }
    }

    @Override
    public void write(long offset, int size, long value) {
      int within = (int) offset & 0xfff;
      switch ((int) offset & ~0xfff) {
        case VirtioPciCapabilities.COMMON:
          commonLock.lock();
          try {
            common.write(within, size, value);
          } finally {
            commonLock.unlock();
          }
          break;
        case VirtioPciCapabilities.DEVICE:
          deviceConfig.write(within, size, value);
          break;
        case VirtioPciCapabilities.NOTIFY:
          notifyQueue(within);
          break;
        default:
          break;
      }
    }

    private void notifyQueue(int within) {
      int queue = within / VirtioPciCapabilities.NOTIFY_MULTIPLIER;
      if (within % VirtioPciCapabilities.NOTIFY_MULTIPLIER == 0 && queue < attached.length) {
        state.notify(queue).signal();
      }
    }
  }
}
