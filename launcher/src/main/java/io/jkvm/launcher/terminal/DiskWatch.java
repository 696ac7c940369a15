// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.terminal;

import io.jkvm.machine.Machine;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.DiskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Looks once a second whether the files and devices that a guest may write have become larger, on a
 * thread of its own. To be told of it by the kernel would cost more: inotify(7) has an event for
 * each write of the guest's as well, and none for a block device.
 */
final class DiskWatch implements AutoCloseable {
  private static final long PERIOD_MILLISECONDS = 1000;

  private final IntConsumer rescan;
  private final Consumer<String> failed;
  private final long periodMilliseconds;
  private final CountDownLatch closed = new CountDownLatch(1);

  /** Of the thread only. */
  private final List<Integer> disks;

  /**
   * A watch that has not begun.
   *
   * @param disks the numbers of those to look at
   * @param rescan looks at one
   * @param failed takes what is to be said of a disk that is not looked at any more
   */
  DiskWatch(
      List<Integer> disks, IntConsumer rescan, Consumer<String> failed, long periodMilliseconds) {
    this.disks = new ArrayList<>(disks);
    this.rescan = rescan;
    this.failed = failed;
    this.periodMilliseconds = periodMilliseconds;
  }

  /** Watches the disks of a machine until it is closed, or the watch is. */
  static DiskWatch start(Machine machine, Consumer<String> failed) {
    List<Integer> disks = watched(machine.spec().disks());
    DiskWatch watch = new DiskWatch(disks, machine::rescanDisk, failed, PERIOD_MILLISECONDS);
    watch.start();
    return watch;
  }

  static List<Integer> watched(List<DiskSpec> specs) {
    List<Integer> disks = new ArrayList<>();
    for (int disk = 0; disk < specs.size(); disk++) {
      DiskSpec spec = specs.get(disk);
      if (spec.source() instanceof DiskSpec.Source.RawFile && !spec.readOnly()) {
        disks.add(disk);
      }
    }
    return disks;
  }

  /** Begins, if there is anything to look at. */
  void start() {
    if (!disks.isEmpty()) {
      Thread thread = new Thread(this::run, "disk sizes");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void run() {
    try {
      while (!disks.isEmpty() && !closed.await(periodMilliseconds, TimeUnit.MILLISECONDS)) {
        disks.removeIf(disk -> !look(disk));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that
    }
  }

  /** False if it makes no sense to look again. */
  private boolean look(int disk) {
    try {
      rescan.accept(disk);
      return true;
    } catch (MachineException e) {
      if (e.problem() != Problem.STATE) {
        failed.accept(e.getMessage() + "; if it becomes larger, the guest is not told");
      }
      return false;
    }
  }

  /** Ends it, without waiting for a look that the host does not answer. */
  @Override
  public void close() {
    closed.countDown();
  }
}
