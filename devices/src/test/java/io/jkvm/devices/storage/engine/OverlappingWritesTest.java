// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.storage.DirectImages;
import io.jkvm.devices.storage.RawImage;
import io.jkvm.devices.storage.engine.DiskEngines.Kind;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A block that is written whole, or zeroed in part, while a sector of it is written: whichever
 * comes first, what only one of them writes is there in the end.
 */
@Timeout(300)
class OverlappingWritesTest extends EngineFixture {
  private static final int SECTOR = 512;
  private static final int ROUNDS = 1500;

  /** Which sector is written alone; those from here on are zeroed. */
  private static final int ALONE = 3;

  private final CyclicBarrier barrier = new CyclicBarrier(2);
  private volatile Throwable otherFailure;

  @Override
  RawImage openImage(boolean readOnly) throws Exception {
    return DirectImages.open(path, readOnly, BLOCK);
  }

  private static DiskRequest carryOut(DiskEngine engine, EventFd wakeup, DiskRequest request) {
    DiskRequest finished = engine.submit(request) ? request : null;
    while (finished == null) {
      engine.start();
      finished = engine.complete();
      if (finished == null && !engine.mayNotSleep()) {
        assertTrue(wakeup.await(120_000), "not woken");
      }
      engine.awake();
    }
    if (finished.failure() != null) {
      throw new AssertionError(finished.failure());
    }
    return finished;
  }

  private static int blockOf(int round) {
    return round / 2 % BLOCKS;
  }

  private static byte valueOf(int round) {
    return (byte) (round / 2 % 100 + 1);
  }

  /** Each block whole in one round, in part zeroes in the next. */
  private void writeBlocks(DiskEngine other) {
    try (EventFd event = new EventFd()) {
      other.attach(event);
      for (int round = 0; round < ROUNDS; round++) {
        long offset = (long) blockOf(round) * BLOCK;
        DiskRequest request = other.acquire();
        if (round % 2 == 0) {
          for (int i = 0; i < BLOCK; i++) {
            view.put(BLOCK + i, valueOf(round));
          }
          request.write(offset);
          request.data().add(memory.address() + BLOCK, BLOCK);
        } else {
          request.writeZeroes();
          request.addRange(offset + (ALONE + 1) * SECTOR, (7 - ALONE) * SECTOR, false);
        }
        barrier.await();
        other.release(carryOut(other, event, request));
        barrier.await();
      }
      other.detach();
    } catch (BrokenBarrierException | InterruptedException e) {
      return; // the test has failed
    } catch (Throwable e) {
      otherFailure = e;
      barrier.reset();
    }
  }

  @ParameterizedTest
  @EnumSource
  void neitherIsUndone(Kind kind) throws Exception {
    List<DiskEngine> engines =
        kind == Kind.CALLS
            ? List.of(DiskEngines.calls(image), DiskEngines.calls(image))
            : new DiskEngines(kind).open(image, "test", 2, false);
    DiskEngine alone = engines.get(0);
    alone.attach(wakeup);
    Thread other = new Thread(() -> writeBlocks(engines.get(1)));
    other.start();
    IoVector read = new IoVector(1);
    int at = 2 * BLOCK;
    try {
      for (int round = 0; round < ROUNDS; round++) {
        int block = blockOf(round);
        long offset = (long) block * BLOCK;
        view.put(0, (byte) (valueOf(round) + 100));
        DiskRequest request = alone.acquire();
        request.write(offset + ALONE * SECTOR);
        request.data().add(memory.address(), SECTOR);
        barrier.await();
        alone.release(carryOut(alone, wakeup, request));
        barrier.await();
        read.clear();
        read.add(memory.address() + at, BLOCK);
        image.read(read, offset);
        for (int sector = 0; sector < BLOCK / SECTOR; sector++) {
          boolean zeroed = round % 2 == 1 && sector > ALONE;
          int expected = zeroed ? 0 : valueOf(round);
          String where = "round " + round + ", sector " + sector;
          int actual = view.get(at + sector * SECTOR);
          if (sector != ALONE) {
            assertEquals(expected, actual, where);
          } else if (round % 2 == 1 || actual != expected) {
            assertEquals((byte) (valueOf(round) + 100), actual, where);
          }
        }
      }
    } catch (BrokenBarrierException e) {
      throw new AssertionError(otherFailure);
    } finally {
      other.interrupt();
      other.join();
    }
    alone.detach();
    engines.forEach(DiskEngine::close);
  }
}
