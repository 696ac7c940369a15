// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.testing.RefusedCall;
import io.jkvm.devices.storage.DiskException;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import io.jkvm.devices.storage.engine.DiskRequest.Operation;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every engine has to do, with a real file. */
@Timeout(300)
class DiskEngineTest extends EngineFixture {
  private static final int ROUNDS = 3000;
  private static final int SEGMENTS = 254;

  /** Of each slot: which blocks it works on. */
  private final int[] blocks = new int[256];

  private final int[] counts = new int[256];
  private final BitSet busy = new BitSet();
  private final Random random = new Random(7);

  @ParameterizedTest
  @EnumSource
  void readsAndWritesInAnyOrderAreThoseOfTheModel(Kind kind) throws Exception {
    open(kind);
    int deep = Math.min(24, engine.capacity());
    int flushes = 0;
    for (int round = 0; round < ROUNDS; round++) {
      if (round % 500 == 0) {
        makeCold();
      }
      while (engine.inFlight() == deep) {
        check(await());
      }
      DiskRequest request = random.nextInt(50) == 0 ? engine.acquire() : transfer();
      if (request == null) {
        continue; // its blocks are busy
      }
      if (counts[request.index()] == 0) {
        request.flush();
        flushes++;
      }
      if (engine.submit(request)) {
        check(request);
      } else if (random.nextInt(4) == 0) {
        engine.start();
      }
    }
    while (engine.inFlight() > 0) {
      check(await());
    }
    assertTrue(flushes > 10);
    image.flush();
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  private DiskRequest transfer() {
    int count = 1 + random.nextInt(8);
    int block = random.nextInt(BLOCKS - count);
    if (!busy.get(block, block + count).isEmpty()) {
      return null;
    }
    busy.set(block, block + count);
    boolean write = random.nextBoolean();
    DiskRequest request = write ? write(block, count, 0) : read(block, count, 0);
    int index = request.index();
    blocks[index] = block;
    counts[index] = count;
    int at = index * 8 * BLOCK % (int) memory.length();
    request.data().clear();
    request.data().add(memory.address() + at, (long) count * BLOCK);
    if (write) {
      byte[] data = new byte[count * BLOCK];
      random.nextBytes(data);
      view.put(at, data);
      System.arraycopy(data, 0, model, block * BLOCK, data.length);
    } else {
      view.put(at, new byte[count * BLOCK]);
    }
    return request;
  }

  private void check(DiskRequest request) {
    assertNull(request.failure());
    int index = request.index();
    int count = counts[index];
    if (request.operation() == Operation.READ) {
      byte[] data = new byte[count * BLOCK];
      view.get(index * 8 * BLOCK % (int) memory.length(), data);
      int from = blocks[index] * BLOCK;
      assertArrayEquals(Arrays.copyOfRange(model, from, from + data.length), data);
    }
    busy.clear(blocks[index], blocks[index] + count);
    counts[index] = 0;
    engine.release(request);
  }

  @ParameterizedTest
  @EnumSource
  void rangesAreCleared(Kind kind) throws Exception {
    open(kind);
    DiskRequest request = engine.acquire();
    request.writeZeroes();
    request.addRange(BLOCK, 3 * BLOCK, true);
    assertNull(carryOut(request).failure());
    request.discard();
    request.addRange(10 * BLOCK, BLOCK, false);
    request.addRange(0, 0, false);
    request.addRange(20 * BLOCK, BLOCK, false);
    assertNull(carryOut(request).failure());
    engine.release(request);
    byte[] file = Files.readAllBytes(path);
    Arrays.fill(model, BLOCK, 4 * BLOCK, (byte) 0);
    assertArrayEquals(Arrays.copyOf(model, 10 * BLOCK), Arrays.copyOf(file, 10 * BLOCK));
    assertEquals(model.length, file.length);
  }

  /** As many as a queue of 256 has room for beside header and status. */
  @ParameterizedTest
  @EnumSource
  void dataMayBeInManySegments(Kind kind) throws Exception {
    open(kind);
    for (int round = 0; round < 20; round++) { // cold and warm, by a call and later
      if (round % 5 == 0) {
        makeCold();
      }
      byte[] written = new byte[SEGMENTS * 512];
      random.nextBytes(written);
      scatter(written);
      long position = round * 3L * 512;
      DiskRequest request = engine.acquire();
      request.write(position);
      addSegments(request);
      assertNull(carryOut(request).failure());
      engine.release(request);
      scatter(new byte[written.length]);
      request = engine.acquire();
      request.read(position);
      addSegments(request);
      assertNull(carryOut(request).failure());
      engine.release(request);
      for (int i = 0; i < SEGMENTS; i++) {
        byte[] sector = new byte[512];
        view.get(2 * 512 * i, sector);
        assertArrayEquals(Arrays.copyOfRange(written, 512 * i, 512 * (i + 1)), sector);
      }
    }
  }

  /** Every other sector of memory. */
  private void scatter(byte[] data) {
    for (int i = 0; i < SEGMENTS; i++) {
      view.put(2 * 512 * i, data, 512 * i, 512);
    }
  }

  private void addSegments(DiskRequest request) {
    for (int i = 0; i < SEGMENTS; i++) {
      request.data().add(memory.address() + 2 * 512L * i, 512);
    }
  }

  /** The host has no thread left, so the queue's own has to do it all. */
  @ParameterizedTest
  @EnumSource
  void withoutAnyThreadAllIsDoneTheSame(Kind kind) throws Exception {
    RefusedCall.run(
        RefusedCall.CLONE3,
        Errno.EAGAIN,
        () -> {
          open(kind);
          makeCold();
          for (int i = 0; i < 10; i++) {
            engine.release(carryOut(write(i, 1, i)));
            DiskRequest flush = engine.acquire();
            flush.flush();
            assertNull(carryOut(flush).failure());
            engine.release(flush);
            makeCold();
            DiskRequest read = carryOut(read(500 + i, 1, 100));
            assertNull(read.failure());
            engine.release(read);
            int from = (500 + i) * BLOCK;
            assertArrayEquals(Arrays.copyOfRange(model, from, from + BLOCK), memoryAt(100, 1));
          }
          assertEquals(
              0,
              Thread.getAllStackTraces().keySet().stream()
                  .filter(thread -> thread.getName().equals("test io"))
                  .count());
          engine.detach();
          return null;
        });
    engine.attach(wakeup);
  }

  /** A ring answers 0 for it, which for any other read is the end of the file. */
  @ParameterizedTest
  @EnumSource
  void nothingIsReadAtOnce(Kind kind) throws Exception {
    open(kind);
    makeCold();
    for (int i = 0; i < 20; i++) { // until all that looks ahead expects it to be slow
      engine.release(carryOut(read(i * 61 % BLOCKS, 1, 0)));
      DiskRequest nothing = engine.acquire();
      nothing.read(0);
      assertNull(carryOut(nothing).failure());
      engine.release(nothing);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aReadBehindTheEndOfATruncatedFileFails(Kind kind) throws Exception {
    open(kind);
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.truncate(10 * BLOCK + 512);
    }
    DiskRequest request = carryOut(read(9, 3, 0));
    DiskException failure = assertInstanceOf(DiskException.class, request.failure());
    assertEquals(DiskException.Kind.SHRANK_IN_USE, failure.kind());
    assertTrue(failure.getMessage().contains("nothing at byte " + (10 * BLOCK + 512)));
    engine.release(request);
    DiskRequest good = carryOut(read(9, 1, 0));
    assertNull(good.failure());
    assertArrayEquals(Arrays.copyOfRange(model, 9 * BLOCK, 10 * BLOCK), memoryAt(0, 1));
    engine.release(good);
  }

  @ParameterizedTest
  @EnumSource
  void anErrorOfTheFileNamesDiskCallAndPlace(Kind kind) throws Exception {
    image.close();
    image = openImage(true);
    open(kind);
    DiskRequest request = carryOut(write(3, 1, 0));
    assertNotNull(request.failure());
    String message = request.failure().getMessage();
    assertTrue(message.contains("disk.img") && message.contains("EBADF"), message);
    assertTrue(message.contains("at byte " + 3 * BLOCK), message);
    engine.release(request);
    assertArrayEquals(model, Files.readAllBytes(path));
  }

  @ParameterizedTest
  @EnumSource
  void asManyAsThereArePlacesForCanBeUnderWay(Kind kind) throws Exception {
    open(kind);
    makeCold();
    int submitted = 0;
    int finished = 0;
    for (int i = 0; i < engine.capacity(); i++) {
      DiskRequest request = read(i * 7 % BLOCKS, 1, i % MEMORY_BLOCKS);
      submitted++;
      if (engine.submit(request)) {
        finished++;
        engine.release(request);
      }
    }
    if (engine.inFlight() == engine.capacity()) {
      assertNull(engine.acquire());
    }
    engine.start();
    while (engine.inFlight() > 0) {
      DiskRequest request = await();
      assertNull(request.failure());
      engine.release(request);
      finished++;
    }
    assertEquals(submitted, finished);
  }

  @ParameterizedTest
  @EnumSource
  void anotherThreadMayGoOn(Kind kind) throws Exception {
    open(kind);
    engine.detach();
    for (int i = 0; i < 3; i++) {
      int block = i;
      Throwable[] failure = new Throwable[1];
      Thread thread =
          new Thread(
              () -> {
                try {
                  engine.attach(wakeup);
                  makeCold();
                  for (int k = 0; k < 20; k++) {
                    DiskRequest request = carryOut(read(block * 100 + k, 1, 5));
                    assertNull(request.failure());
                    engine.release(request);
                  }
                  engine.detach();
                } catch (Throwable e) {
                  failure[0] = e;
                }
              });
      thread.start();
      thread.join(120_000);
      assertNull(failure[0]);
      int from = (block * 100 + 19) * BLOCK;
      assertArrayEquals(Arrays.copyOfRange(model, from, from + BLOCK), memoryAt(5, 1));
    }
    engine.attach(wakeup);
  }
}
