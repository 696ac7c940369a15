// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Mapping;
import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Writes of some sectors of a block while other requests, of the same queue and of another, write
 * its other sectors, the blocks beside it, and zeroes. Each sector is one queue's and one request's
 * at a time, so what has to be in the file is known.
 */
@Timeout(300)
class PartialWritesTest extends EngineFixture {
  private static final int SECTOR = 512;
  private static final int BLOCK_SECTORS = BLOCK / SECTOR;

  /** Few, for many to meet. */
  private static final int USED_BLOCKS = 24;

  private static final int QUEUES = 2;
  private static final int REQUESTS = 2000;

  @Override
  RawImage openImage(boolean readOnly) throws Exception {
    return DirectImages.open(path, readOnly, BLOCK);
  }

  @ParameterizedTest
  @EnumSource
  void noSectorIsLostToItsNeighbours(Kind kind) throws Exception {
    List<DiskEngine> engines =
        kind == Kind.CALLS
            ? List.of(DiskEngines.calls(image), DiskEngines.calls(image))
            : new DiskEngines(kind).open(image, "test", QUEUES, false);
    List<Queue> queues = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < QUEUES; i++) {
      Queue queue = new Queue(i, engines.get(i));
      queues.add(queue);
      threads.add(new Thread(queue));
    }
    for (Thread thread : threads) {
      thread.setDaemon(true);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (Queue queue : queues) {
      if (queue.failure != null) {
        throw new AssertionError(queue.failure);
      }
      assertTrue(queue.partial > REQUESTS / 40, queue.partial + " partial");
      assertTrue(queue.whole > REQUESTS / 40, queue.whole + " whole");
    }
    engines.forEach(DiskEngine::close);
    image.flush();
    byte[] file = Files.readAllBytes(path);
    for (int at = 0; at < model.length; at += SECTOR) {
      byte[] expected = Arrays.copyOfRange(model, at, at + SECTOR);
      assertArrayEquals(
          expected, Arrays.copyOfRange(file, at, at + SECTOR), "sector " + at / SECTOR);
    }
    assertEquals(model.length, file.length);
  }

  /**
   * A thread with an engine, and every other piece of the file, the first of which ends in the
   * midst of a block.
   */
  private final class Queue implements Runnable {
    private static final int DEEP = 6;
    private static final int PLACE = 8 * BLOCK;

    private final int[] places = new int[DEEP];
    private final int[] starts = new int[DEEP];
    private final int[] counts = new int[DEEP];
    private final BitSet busy = new BitSet();
    private final BitSet slots = new BitSet();
    private final int[] slotOf;
    private final int number;
    private final DiskEngine engine;
    private final Random random;
    private Throwable failure;
    private int partial;
    private int whole;
    private Mapping memory;
    private ByteBuffer view;
    private EventFd wakeup;

    Queue(int number, DiskEngine engine) {
      this.number = number;
      this.engine = engine;
      slotOf = new int[engine.capacity()];
      random = new Random(number);
    }

    @Override
    public void run() {
      try (Mapping data = Mapping.anonymous((long) DEEP * PLACE);
          EventFd event = new EventFd()) {
        memory = data;
        view = data.buffer(0, data.length());
        wakeup = event;
        engine.attach(event);
        work();
        engine.detach();
      } catch (Exception e) {
        failure = e;
      }
    }

    /** Ends only when nothing is under way, whatever happens: the memory goes away then. */
    private void work() {
      try {
        while (partial + whole < REQUESTS) {
          boolean busyAll = engine.inFlight() == Math.min(DEEP, engine.capacity());
          if (busyAll || !begin() && engine.inFlight() > 0) {
            finish(next());
          }
        }
      } catch (Throwable e) {
        failure = e;
      }
      while (engine.inFlight() > 0) {
        try {
          finish(next());
        } catch (AssertionError e) {
          failure = e;
        }
      }
    }

    private DiskRequest next() {
      while (true) {
        engine.start();
        DiskRequest request = engine.complete();
        if (request != null) {
          return request;
        }
        if (!engine.mayNotSleep()) {
          assertTrue(wakeup.await(120_000), "not woken");
        }
        engine.awake();
      }
    }

    /**
     * Begins a request; this queue's pieces have 5 and 19 sectors in turns, so that both queues
     * have parts of blocks and whole ones.
     *
     * @return false if a sector that it would have is busy
     */
    private boolean begin() {
      int piece = random.nextInt(USED_BLOCKS * BLOCK_SECTORS / 24);
      int first = piece * 24 + (number == 0 ? 0 : 5);
      int length = number == 0 ? 5 : 19;
      if (piece % 2 == 1) { // the other way round
        first = piece * 24 + (number == 0 ? 5 : 0);
        length = 24 - length;
      }
      int start = first + random.nextInt(length);
      if (random.nextBoolean()) {
        start = Math.min(first + length - 1, (start + 7) & -BLOCK_SECTORS);
      }
      int most = first + length - start;
      int count = random.nextBoolean() ? 1 + random.nextInt(most) : most & -BLOCK_SECTORS;
      if (count == 0 || !busy.get(start, start + count).isEmpty()) {
        return false;
      }
      busy.set(start, start + count);
      submit(start, count);
      return true;
    }

    private void submit(int start, int count) {
      if ((start | count) % BLOCK_SECTORS == 0) {
        whole++;
      } else {
        partial++;
      }
      int slot = slots.nextClearBit(0);
      slots.set(slot);
      DiskRequest request = engine.acquire();
      slotOf[request.index()] = slot;
      starts[slot] = start;
      counts[slot] = count;
      int bytes = count * SECTOR;
      int at = slot * PLACE + (random.nextInt(4) == 0 ? random.nextInt(BLOCK) : 0);
      byte[] data = new byte[bytes];
      int kind = random.nextInt(8);
      if (kind == 0) {
        request.writeZeroes();
        request.addRange((long) start * SECTOR, bytes, random.nextBoolean());
      } else if (kind == 1) {
        request.read((long) start * SECTOR);
        places[slot] = at;
      } else {
        request.write((long) start * SECTOR);
        random.nextBytes(data);
        view.put(at, data);
      }
      if (kind != 0) {
        request.data().add(memory.address() + at, bytes);
      }
      if (kind != 1) {
        System.arraycopy(data, 0, model, start * SECTOR, bytes);
      }
      if (engine.submit(request)) {
        finish(request);
      } else if (random.nextBoolean()) {
        engine.start();
      }
    }

    private void finish(DiskRequest request) {
      int slot = slotOf[request.index()];
      int start = starts[slot];
      int bytes = counts[slot] * SECTOR;
      engine.release(request);
      if (request.failure() != null) {
        throw new AssertionError(request.failure());
      }
      if (request.operation() == Operation.READ) {
        byte[] data = new byte[bytes];
        view.get(places[slot], data);
        int from = start * SECTOR;
        assertArrayEquals(Arrays.copyOfRange(model, from, from + bytes), data);
      }
      busy.clear(start, start + counts[slot]);
      slots.clear(slot);
    }
  }
}
