// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disks that are looked at in every state of a machine, whose guest does not know of them. */
@RequiresKvm
@Timeout(600)
class RescanTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  /** A disk of the user's own. */
  private static final class OwnDisk extends EmptyDisk {
    volatile long size = MIB;
    volatile IOException failure;
    volatile CountDownLatch gate = new CountDownLatch(0);
    final CountDownLatch entered = new CountDownLatch(1);
    private volatile long capacity = MIB;

    OwnDisk() {
      super("own");
    }

    @Override
    public long capacityBytes() {
      return capacity;
    }

    @Override
    public long rescan() throws IOException {
      if (gate.getCount() > 0) {
        entered.countDown();
        try {
          gate.await();
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }
      if (failure != null) {
        throw failure;
      }
      capacity = size;
      return size;
    }
  }

  private MachineSpec spec(DiskSpec... disks) throws IOException {
    var builder = MachineSpec.boot(TinyKernel.write(folder)).memoryMiB(64);
    for (DiskSpec disk : disks) {
      builder.disk(disk);
    }
    return builder.build();
  }

  private static Path extend(Path image, long length) throws IOException {
    try (FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), length - 1);
    }
    return image;
  }

  private static void refused(Problem problem, Machine machine, int disk) {
    MachineException e = assertThrows(MachineException.class, () -> machine.rescanDisk(disk));
    assertEquals(problem, e.problem(), e.getMessage());
  }

  @Test
  void inEveryState() throws Exception {
    Path first = extend(Files.createFile(folder.resolve("first")), MIB);
    Path second = extend(Files.createFile(folder.resolve("second")), MIB);
    Machine machine = Machine.create(spec(DiskSpec.raw(first), DiskSpec.raw(second).asReadOnly()));
    try {
      assertEquals(MIB, machine.rescanDisk(0));
      extend(first, 2 * MIB);
      assertEquals(2 * MIB, machine.rescanDisk(0), "created");
      machine.start();
      extend(first, 3 * MIB);
      assertEquals(3 * MIB, machine.rescanDisk(0), "running");
      assertEquals(MIB, machine.rescanDisk(1));
      machine.pause();
      extend(first, 4 * MIB + 1);
      assertEquals(4 * MIB, machine.rescanDisk(0), "paused, with a part of a sector");
      machine.resume();
      extend(second, 5 * MIB);
      assertEquals(5 * MIB, machine.rescanDisk(1), "read-only");
      try (FileChannel channel = FileChannel.open(first, StandardOpenOption.WRITE)) {
        channel.truncate(MIB);
      }
      assertEquals(4 * MIB, machine.rescanDisk(0), "a disk does not shrink");
      refused(Problem.DISK, machine, 2);
      refused(Problem.DISK, machine, -1);
      machine.stop();
      extend(first, 6 * MIB);
      assertEquals(6 * MIB, machine.rescanDisk(0), "stopped");
    } finally {
      machine.close();
    }
    refused(Problem.STATE, machine, 0);
    refused(Problem.DISK, machine, 2);
  }

  @Test
  void aDiskOfOnesOwnSaysForItself() throws Exception {
    OwnDisk disk = new OwnDisk();
    try (Machine machine = Machine.start(spec(DiskSpec.custom("own", () -> disk)))) {
      disk.size = 2 * MIB + 100;
      assertEquals(2 * MIB, machine.rescanDisk(0));
      disk.size = MIB;
      assertEquals(2 * MIB, machine.rescanDisk(0));
      disk.failure = new IOException("no answer");
      refused(Problem.DISK_FAILED, machine, 0);
    }
  }

  /** As of a network file system whose server is gone. */
  @Test
  void aHostThatDoesNotAnswerHoldsUpNobodyElse() throws Exception {
    OwnDisk disk = new OwnDisk();
    Machine machine = Machine.start(spec(DiskSpec.custom("own", () -> disk)));
    disk.gate = new CountDownLatch(1);
    FutureTask<Boolean> looking = new FutureTask<>(() -> refused(Problem.STATE, machine, 0), true);
    new Thread(looking).start();
    disk.entered.await();
    machine.pause();
    machine.resume();
    assertTrue(machine.closeAndReport().isEmpty());
    disk.gate.countDown();
    assertTrue(looking.get());
  }
}
