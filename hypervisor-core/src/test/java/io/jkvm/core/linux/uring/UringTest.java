// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rings of the kernel's, and what a system call may answer that this one seldom does. */
@Timeout(120)
class UringTest {
  private static final int ENTRIES = 16;
  private static final int BLOCK = 512;

  @TempDir Path folder;

  private final NativeMemory data = new NativeMemory(ENTRIES * BLOCK);
  private final IoVector[] vectors = new IoVector[ENTRIES];
  private final Deque<Integer> answers = new ArrayDeque<>();
  private EventFd completed;
  private Fd file;
  private Uring ring;

  @BeforeEach
  void open() throws Exception {
    assertEquals("", UringProbe.refusal());
    byte[] bytes = new byte[ENTRIES * BLOCK];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i / BLOCK);
    }
    Path path = Files.write(folder.resolve("file"), bytes);
    file = Fd.open(path.toString(), Fd.READ_WRITE);
    completed = new EventFd();
    ring = Uring.open(ENTRIES, this::enter);
    ring.registerEventFd(completed);
    for (int i = 0; i < ENTRIES; i++) {
      vectors[i] = new IoVector(1);
    }
  }

  @AfterEach
  void close() {
    ring.close();
    completed.close();
    file.close();
  }

  /** Answers what a test has put into {@link #answers}, and then what the kernel does. */
  private int enter(int fd, int toSubmit, int minComplete, int flags) {
    Integer answer = answers.poll();
    if (answer == null) {
      return UringCall.enter(fd, toSubmit, minComplete, flags);
    }
    return answer <= 0 ? answer : UringCall.enter(fd, answer, minComplete, flags);
  }

  private boolean prepareRead(int block) {
    IoVector vector = vectors[block];
    vector.clear();
    vector.add(data.address() + (long) block * BLOCK, BLOCK);
    return ring.prepareRead(file.value(), vector.address(), 1, (long) block * BLOCK, 1000 + block);
  }

  private void assertCompleted(int count) {
    BitSet blocks = new BitSet();
    while (blocks.cardinality() < count) {
      if (ring.next()) {
        int block = (int) ring.userData() - 1000;
        assertEquals(BLOCK, ring.result());
        assertFalse(blocks.get(block), "twice");
        blocks.set(block);
        assertEquals(block, data.buffer().get(block * BLOCK));
        assertEquals(block, data.buffer().get(block * BLOCK + BLOCK - 1));
      } else if (!ring.hasCompletion()) {
        assertTrue(completed.await(60_000), "not signalled");
      }
    }
    assertFalse(ring.next());
  }

  @Test
  void manyAreCompletedForOneCall() {
    for (int round = 0; round < 100; round++) {
      data.buffer().put(5 * BLOCK, (byte) 77);
      for (int i = 0; i < ENTRIES; i++) {
        assertTrue(prepareRead(i));
      }
      assertFalse(prepareRead(0), "more than there is room for");
      assertEquals(ENTRIES, ring.prepared());
      assertEquals(0, ring.submit());
      assertEquals(0, ring.prepared());
      assertCompleted(ENTRIES);
    }
  }

  @Test
  void whatIsWrittenIsInTheFile() throws Exception {
    IoVector vector = new IoVector(2);
    data.buffer().put(BLOCK - 1, (byte) 9).put(3 * BLOCK, (byte) 2);
    vector.add(data.address() + BLOCK - 1, 1);
    vector.add(data.address() + 3 * BLOCK, 1);
    assertTrue(ring.prepareWrite(file.value(), vector.address(), 2, 700, 3));
    assertTrue(prepareRead(9));
    assertEquals(0, ring.submit());
    for (int i = 0; i < 2; ) {
      if (ring.next()) {
        assertEquals(ring.userData() == 3 ? 2 : BLOCK, ring.result());
        i++;
      } else if (!ring.hasCompletion()) {
        assertTrue(completed.await(60_000), "not signalled");
      }
    }
    byte[] bytes = Files.readAllBytes(folder.resolve("file"));
    assertEquals(ENTRIES * BLOCK, bytes.length);
    assertEquals(1, bytes[699]);
    assertEquals(9, bytes[700]);
    assertEquals(2, bytes[701]);
    assertEquals(1, bytes[702]);
  }

  @Test
  void anErrorIsTheResultOfItsRequestAlone() {
    assertTrue(prepareRead(1));
    assertTrue(ring.prepareRead(-1, vectors[0].address(), 1, 0, 5));
    assertTrue(prepareRead(2));
    assertEquals(0, ring.submit());
    int bad = 0;
    for (int i = 0; i < 3; ) {
      if (ring.next()) {
        bad += ring.userData() == 5 && ring.result() == -Errno.EBADF ? 1 : 0;
        i++;
      } else if (!ring.hasCompletion()) {
        assertTrue(completed.await(60_000));
      }
    }
    assertEquals(1, bad);
  }

  @Test
  void aPartTakenIsNoneLost() {
    answers.add(3);
    answers.add(-Errno.EINTR);
    answers.add(1);
    answers.add(0);
    for (int i = 0; i < 10; i++) {
      assertTrue(prepareRead(i));
    }
    assertEquals(0, ring.submit());
    assertCompleted(10);
  }

  @Test
  void whatIsRefusedCanBeTriedAgain() {
    for (int errno : new int[] {Errno.EBUSY, Errno.EAGAIN}) {
      answers.add(2);
      answers.add(-errno);
      for (int i = 0; i < 5; i++) {
        assertTrue(prepareRead(i));
      }
      assertEquals(-errno, ring.submit());
      assertEquals(3, ring.prepared());
      assertEquals(0, ring.submit());
      assertCompleted(5);
    }
  }

  @Test
  void interruptedOrRefusedForEverItGivesUp() {
    for (int i = 0; i < 1000; i++) {
      answers.add(i % 2 == 0 ? -Errno.EINTR : 0);
    }
    assertTrue(prepareRead(0));
    assertEquals(-Errno.EAGAIN, ring.submit());
    assertTrue(answers.size() > 900);
    answers.clear();
    assertEquals(0, ring.submit());
    assertCompleted(1);
  }

  @Test
  void whatWasNotTakenCanBeTakenBack() {
    answers.add(2);
    answers.add(-Errno.EAGAIN);
    for (int i = 0; i < 4; i++) {
      assertTrue(prepareRead(i));
    }
    assertEquals(-Errno.EAGAIN, ring.submit());
    assertEquals(1003, ring.takeBack());
    assertEquals(1002, ring.takeBack());
    assertThrows(IllegalStateException.class, ring::takeBack);
    assertEquals(0, ring.submit());
    assertCompleted(2);
  }

  @Test
  void aRequestCostsNoGarbage() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = 0;
    for (int round = 0; round < 4000; round++) {
      if (round == 3000) {
        before = threads.getCurrentThreadAllocatedBytes();
      }
      prepareRead(round % ENTRIES);
      ring.submit();
      while (!ring.hasCompletion()) {
        completed.await(-1);
      }
      ring.next();
    }
    assertEquals(0, (threads.getCurrentThreadAllocatedBytes() - before) / 1000);
  }

  @Test
  void aThousandRingsLeaveNothing() throws Exception {
    int descriptors = openDescriptors();
    for (int i = 0; i < 1000; i++) {
      try (Uring one = Uring.open(128)) {
        one.maxWorkers(4, 1);
        assertTrue(one.entries() >= 8);
      }
    }
    // What tests before this one left to be closed later may be gone by now.
    assertTrue(openDescriptors() <= descriptors, "descriptors are left open");
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      assertTrue(maps.filter(line -> line.contains("io_uring")).count() <= 2, "only ours");
    }
  }

  private static int openDescriptors() throws IOException {
    try (var list = Files.list(Path.of("/proc/self/fd"))) {
      return (int) list.count();
    }
  }

  @Test
  void afterItIsClosedNothingIsTouched() {
    ring.close();
    ring.close();
    assertThrows(IllegalStateException.class, () -> prepareRead(0));
    assertThrows(IllegalStateException.class, ring::submit);
    assertThrows(IllegalStateException.class, ring::hasCompletion);
    assertThrows(IllegalStateException.class, ring::next);
  }
}
