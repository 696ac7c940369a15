// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.clock;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.irq.IrqLine;
import io.jkvm.core.lifecycle.Pausable;
import io.jkvm.core.lifecycle.WorkerThread;
import java.time.Clock;

/**
 * CMOS memory and real-time clock of a PC at ports 0x70 (index) and 0x71 (data): a Motorola
 * MC146818 with 114 bytes of RAM, which hold the memory size where PC firmware keeps it.
 *
 * <p>The time is UTC. All three interrupts work, because without them a Linux program that waits
 * for the next second through {@code /dev/rtc0} waits 10 s in vain: a daemon thread looks at the
 * clock while one is enabled and not already pending, and does not exist before the first is.
 * Periodic rates above 1 kHz come at 1 kHz. The NMI mask (index bit 7) is ignored.
 *
 * <p>Time goes on while the clock is paused; interrupts that became due are raised by {@link
 * #resume}.
 */
public final class CmosRtc implements BusDevice, Pausable, AutoCloseable {
  /** The first of two ports. */
  public static final int PORT = 0x70;

  /** The number of ports. */
  public static final int PORT_COUNT = 2;

  /** The clock's ISA interrupt. */
  public static final int RTC_IRQ = 8;

  private static final int RAM_BYTES = 128;
  private static final int INDEX_MASK = RAM_BYTES - 1;
  private static final int UNREADABLE = 0xff;

  private static final int EQUIPMENT = 0x14;
  private static final int EQUIPMENT_FPU = 2;
  private static final int BASE_MEMORY_KIB = 0x15;
  private static final int EXTENDED_MEMORY_KIB = 0x17;
  private static final int CHECKSUMMED_START = 0x10;
  private static final int CHECKSUM = 0x2e;
  private static final int ACTUAL_EXTENDED_MEMORY_KIB = 0x30;
  private static final int ABOVE_16_MIB_64_KIB = 0x34;
  private static final int ABOVE_4_GIB_64_KIB = 0x5b;

  private static final long MIB = 1L << 20;
  private static final int BASE_KIB = 640;
  private static final long CLOSE_MILLISECONDS = 1000;

  private final Object lock = new Object();
  private final String machine;
  private final IrqLine irq;
  private final byte[] ram = new byte[RAM_BYTES];
  private final RtcTimekeeper timekeeper;
  private int index;
  private boolean irqAsserted;
  private boolean paused;
  private boolean closed;
  private WorkerThread timer;

  /**
   * A clock that runs and a memory that describes the machine's RAM.
   *
   * @param machine the machine's name, for the timer's thread
   * @param clock the host's time
   * @param ramBelow4GiB bytes of RAM that starts at address 0
   * @param ramAbove4GiB bytes of RAM that starts at 4 GiB
   * @param irq the clock's interrupt; called only when the level changes
   */
  public CmosRtc(String machine, Clock clock, long ramBelow4GiB, long ramAbove4GiB, IrqLine irq) {
    this.machine = machine;
    this.irq = irq;
    ram[EQUIPMENT] = EQUIPMENT_FPU;
    put(BASE_MEMORY_KIB, 2, BASE_KIB);
    put(EXTENDED_MEMORY_KIB, 2, (ramBelow4GiB - MIB) >> 10);
    put(ACTUAL_EXTENDED_MEMORY_KIB, 2, (ramBelow4GiB - MIB) >> 10);
    put(ABOVE_16_MIB_64_KIB, 2, (ramBelow4GiB - 16 * MIB) >> 16);
    put(ABOVE_4_GIB_64_KIB, 3, ramAbove4GiB >> 16);
    int sum = 0;
    for (int i = CHECKSUMMED_START; i < CHECKSUM; i++) {
      sum += ram[i] & 0xff;
    }
    // Of all fields this one has its high byte first.
    ram[CHECKSUM] = (byte) (sum >>> 8);
    ram[CHECKSUM + 1] = (byte) sum;
    timekeeper = new RtcTimekeeper(clock, ram);
  }

  /** Stores the nearest number from 0 to what fits. */
  private void put(int register, int size, long value) {
    long fitting = Math.max(0, Math.min(value, (1L << (8 * size)) - 1));
    for (int i = 0; i < size; i++) {
      ram[register + i] = (byte) (fitting >>> (8 * i));
    }
  }

  @Override
  public long read(long offset, int size) {
    // The index cannot be read back on a PC.
    if (offset == 0) {
      return size == 1 ? UNREADABLE : UNREADABLE | (long) readData() << 8;
    }
    return readData();
  }

  @Override
  public void write(long offset, int size, long value) {
    synchronized (lock) {
      if (offset != 0) {
        writeData((int) value & 0xff);
        return;
      }
      index = (int) value & INDEX_MASK;
      if (size > 1) {
        writeData((int) (value >>> 8) & 0xff);
      }
    }
  }

  private int readData() {
    synchronized (lock) {
      if (!RtcTimekeeper.owns(index)) {
        return ram[index] & 0xff;
      }
      int value = timekeeper.read(index);
      if (index == RtcTimekeeper.REGISTER_C) {
        updateIrq();
      }
      return value;
    }
  }

  private void writeData(int value) {
    if (RtcTimekeeper.owns(index)) {
      timekeeper.write(index, value);
      updateIrq();
    } else {
      ram[index] = (byte) value;
    }
  }

  private void updateIrq() {
    driveIrq();
    if (timer != null) {
      lock.notifyAll();
    } else if (!closed && timekeeper.millisecondsToNextEvent() != 0) {
      timer = new WorkerThread(machine + "/rtc", this::runTimer).start();
    }
  }

  private void driveIrq() {
    if (paused || closed) {
      return;
    }
    boolean assertIrq = timekeeper.irq();
    if (assertIrq != irqAsserted) {
      irqAsserted = assertIrq;
      irq.setLevel(assertIrq);
    }
  }

  private void runTimer() {
    synchronized (lock) {
      try {
        while (!closed) {
          if (paused) {
            lock.wait();
            continue;
          }
          timekeeper.poll();
          driveIrq();
          lock.wait(timekeeper.millisecondsToNextEvent());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void pause() {
    synchronized (lock) {
      paused = true;
    }
  }

  @Override
  public void resume() {
    synchronized (lock) {
      paused = false;
      timekeeper.poll();
      updateIrq();
    }
  }

  /**
   * Ends the timer and waits for its thread, a second at most. When it returns, {@code irq} is not
   * called any more.
   */
  @Override
  public void close() {
    WorkerThread ending;
    synchronized (lock) {
      closed = true;
      ending = timer;
      lock.notifyAll();
    }
    if (ending != null) {
      ending.join(CLOSE_MILLISECONDS);
    }
  }
}
