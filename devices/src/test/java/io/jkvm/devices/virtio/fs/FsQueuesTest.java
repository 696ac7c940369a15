// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.PauseTimeoutException;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.testing.Buffer;
import io.jkvm.devices.virtio.testing.GuestDriver.Transport;
import io.jkvm.devices.virtio.testing.GuestRam;
import io.jkvm.devices.virtio.testing.TestHost;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The device's queues: several, each with a thread, reset and paused while they are at work. */
@Timeout(300)
class FsQueuesTest {
  private static final long ROOT = FileTree.ROOT;
  private static final long FILE = 2;

  private final CountDownLatch reading = new CountDownLatch(1);
  private final CountDownLatch gate = new CountDownLatch(1);
  private final SlowTree tree = new SlowTree();

  @AfterEach
  void open() {
    gate.countDown();
  }

  /** A tree with a file whose reads wait at the gate. */
  private final class SlowTree extends StubTree {
    private volatile SlowFile file;

    @Override
    public int open(Caller caller, long node, int flags, OpenResult result) {
      file = new SlowFile();
      result.set(file);
      return 0;
    }
  }

  private final class SlowFile extends StubFile {
    private volatile boolean closedWhileReading;

    @Override
    public long read(IoVector target, long offset) {
      reading.countDown();
      boolean interrupted = false;
      while (true) {
        try {
          gate.await();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      closedWhileReading = closed;
      return target.remainingBytes();
    }
  }

  private VirtioFs device(int queues) {
    return new VirtioFs("slow", tree, SharePolicy.writable(), queues);
  }

  /** Opens the file and begins a read in request queue 1, which waits. */
  private long beginRead(FsFixture guest) throws Exception {
    assertEquals(0, guest.request(1, FuseDriver.OPEN, FILE, new Body().u64(0)));
    final long handle = guest.u64(1, 0);
    guest.send(1, FuseDriver.READ, FILE, new Body().u64(handle).u64(0).u64(100).u64(0).u64(0));
    assertTrue(reading.await(60, TimeUnit.SECONDS));
    return handle;
  }

  @Test
  void theConfigurationHasTagAndQueues() {
    VirtioFs device = new VirtioFs("täg", tree, SharePolicy.writable(), 3);
    assertEquals(26, device.type().deviceId());
    assertEquals(VirtioType.FILE_SYSTEM, device.type());
    assertEquals(0, device.features());
    assertEquals(4, device.queueSizes().length);
    assertEquals(40, device.config().length());
    assertEquals('t', device.config().read(0, 1));
    assertEquals(0xc3, device.config().read(1, 1));
    for (int at = 4; at < 36; at++) {
      assertEquals(0, device.config().byteAt(at));
    }
    assertEquals(3, device.config().read(36, 4));
    assertEquals(0, device.config().read(40, 4));
    device.config().write(36, 4, 9);
    assertEquals(3, device.config().read(36, 4));
  }

  @Test
  void tagsAndNumbersThatCanNotBeAreRefused() {
    SharePolicy policy = SharePolicy.writable();
    for (String tag : new String[] {"", "x".repeat(37), "ä".repeat(19), "a\0b"}) {
      assertThrows(IllegalArgumentException.class, () -> new VirtioFs(tag, tree, policy), tag);
    }
    new VirtioFs("x".repeat(36), tree, policy).close();
    for (int queues : new int[] {0, -1, 65}) {
      assertThrows(IllegalArgumentException.class, () -> new VirtioFs("t", tree, policy, queues));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aSlowRequestHoldsUpItsOwnQueueOnly(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(2)).mount()) {
      beginRead(guest);
      for (int i = 0; i < 100; i++) {
        assertEquals(0, guest.request(2, FuseDriver.GETATTR, ROOT, new Body()));
      }
      guest.send(FsFixture.PRIORITY, FuseDriver.FORGET, FILE, new Body().u64(1));
      FsFixture.await(() -> guest.answered(FsFixture.PRIORITY), "the forget is not taken");
      assertEquals(0, guest.rings[FsFixture.PRIORITY].usedLength(0));
      assertFalse(guest.answered(1));
      gate.countDown();
      assertEquals(0, guest.await(1));
    }
  }

  /** The other queue closes the file under the read. */
  @ParameterizedTest
  @EnumSource
  void aFileIsNotClosedUnderARead(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(2)).mount()) {
      final long handle = beginRead(guest);
      Body release = new Body().u64(handle).u64(0).u64(0);
      assertEquals(0, guest.request(2, FuseDriver.RELEASE, FILE, release));
      assertEquals(Errno.EBADF, guest.request(2, FuseDriver.RELEASE, FILE, release));
      assertFalse(tree.file.closed);
      gate.countDown();
      assertEquals(0, guest.await(1));
      assertFalse(tree.file.closedWhileReading);
      FsFixture.await(() -> tree.file.closed, "never closed");
    }
  }

  /** So does DESTROY. */
  @ParameterizedTest
  @EnumSource
  void aMountMayEndUnderARead(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(2)).mount()) {
      beginRead(guest);
      assertEquals(0, guest.request(2, FuseDriver.DESTROY, 0, new Body()));
      assertEquals(0, guest.device.openFiles());
      assertFalse(tree.file.closed);
      gate.countDown();
      assertEquals(0, guest.await(1));
      assertFalse(tree.file.closedWhileReading);
      FsFixture.await(() -> tree.file.closed, "never closed");
      assertEquals(Errno.EIO, guest.request(1, FuseDriver.GETATTR, ROOT, new Body()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aResetWaitsForTheReadAndForgetsTheMount(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(2)).mount()) {
      beginRead(guest);
      Thread reset = new Thread(() -> guest.guest.status(0));
      reset.start();
      Set<Thread.State> resting =
          EnumSet.complementOf(EnumSet.of(Thread.State.NEW, Thread.State.RUNNABLE));
      FsFixture.await(() -> resting.contains(reset.getState()), "the reset does not wait");
      assertFalse(tree.file.closed, "closed under a read");
      gate.countDown();
      reset.join();
      FsFixture.await(() -> guest.guest.status() == 0, "not reset");
      assertTrue(tree.file.closed);
      assertFalse(tree.file.closedWhileReading);
      assertEquals(0, guest.device.openFiles());
      guest.start();
      assertEquals(Errno.EIO, guest.request(2, FuseDriver.GETATTR, ROOT, new Body()));
      guest.mount();
      assertEquals(0, guest.request(2, FuseDriver.GETATTR, ROOT, new Body()));
      assertFalse(guest.needsReset());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPausedDeviceRestsAndGoesOn(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(2)).mount()) {
      guest.guest.device().pause();
      GuestRam before = null;
      for (int queue = 0; queue < 3; queue++) {
        guest.send(
            queue, queue == 0 ? FuseDriver.FORGET : FuseDriver.GETATTR, ROOT, new Body().u64(0));
        if (queue == 2) {
          before = new GuestRam(guest.memory, FsFixture.RAM);
        }
      }
      before.assertUnchanged();
      guest.guest.device().resume();
      assertEquals(0, guest.await(1));
      assertEquals(0, guest.await(2));
      FsFixture.await(() -> guest.answered(0), "the forget is not taken");
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPauseThatARequestHoldsUpIsUndone(Transport transport) throws Exception {
    try (FsFixture guest =
        new FsFixture(transport, device(2), ram -> TestHost.impatient(ram, 50)).mount()) {
      beginRead(guest);
      assertThrows(PauseTimeoutException.class, guest.guest.device()::pause);
      assertEquals(0, guest.request(2, FuseDriver.GETATTR, ROOT, new Body()));
      gate.countDown();
      assertEquals(0, guest.await(1));
      guest.guest.device().pause();
      guest.guest.device().resume();
      assertEquals(0, guest.request(1, FuseDriver.GETATTR, ROOT, new Body()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRequestWithoutAHeaderNeedsAReset(Transport transport) throws Exception {
    try (FsFixture guest = new FsFixture(transport, device(1)).mount()) {
      guest.rings[1].add(Buffer.out(1 << 20, 39), Buffer.in(2 << 20, 100));
      guest.guest.notifyQueue(1);
      FsFixture.await(guest::needsReset, "goes on");
      guest.mount();
      assertEquals(0, guest.request(1, FuseDriver.GETATTR, ROOT, new Body()));
    }
  }

  /** Linux's driver does not look at the status, so it would wait for ever. */
  @ParameterizedTest
  @EnumSource
  void anErrorEndsTheMachine(Transport transport) throws Exception {
    StubTree broken =
        new StubTree() {
          private boolean isLast;

          @Override
          public int sync() {
            if (!isLast) {
              isLast = true;
              throw new OutOfMemoryError("test");
            }
            return 0;
          }
        };
    AtomicReference<String> failure = new AtomicReference<>();
    VirtioFs device = new VirtioFs("b", broken, SharePolicy.writable());
    try (FsFixture guest =
        new FsFixture(transport, device, ram -> TestHost.telling(ram, failure::set)).mount()) {
      guest.send(1, FuseDriver.SYNCFS, ROOT, new Body().u64(0));
      FsFixture.await(guest::needsReset, "goes on");
      assertEquals("test/virtio-fs b queue 1: java.lang.OutOfMemoryError: test", failure.get());
      assertFalse(guest.answered(1));
    }
  }

  @Test
  void threadsAreNamedAfterTheShare() throws Exception {
    try (FsFixture guest = new FsFixture(Transport.PCI, device(2)).mount()) {
      Set<Thread> threads = Thread.getAllStackTraces().keySet();
      assertEquals(
          3, threads.stream().filter(t -> t.getName().contains("virtio-fs slow queue")).count());
      assertEquals(0, guest.request(2, FuseDriver.GETATTR, ROOT, new Body()));
    }
  }
}
