// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import io.jkvm.core.linux.Errno;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A medium that does what it is asked to until it is told otherwise. */
public final class FaultyMedium implements FuseFile.Content {
  private static final long PATIENCE_SECONDS = 180;

  private final byte[] content;

  private int readError;
  private int readErrors;
  private int writeError;
  private int writeErrors;
  private int syncError;
  private int syncErrors;
  private int mostBytes = Integer.MAX_VALUE;
  private long slowFrom = Long.MAX_VALUE;
  private CountDownLatch slow = new CountDownLatch(0);
  private CountDownLatch firstRead = new CountDownLatch(0);

  /** Of so many bytes that tell where they are. */
  public FaultyMedium(int bytes) {
    content = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      content[i] = at(i);
    }
  }

  /** What is at an offset before anybody writes. */
  public static byte at(int offset) {
    return (byte) (offset ^ offset >> 9);
  }

  /** The next so many reads fail. */
  public synchronized void failReads(int errno, int count) {
    readError = errno;
    readErrors = count;
  }

  /** The next so many writes fail. */
  public synchronized void failWrites(int errno, int count) {
    writeError = errno;
    writeErrors = count;
  }

  /** The next so many flushes fail. */
  public synchronized void failSyncs(int errno, int count) {
    syncError = errno;
    syncErrors = count;
  }

  /** No call transfers more than this from now on. */
  public synchronized void shorten(int bytes) {
    mostBytes = bytes;
  }

  /**
   * Reads from this offset on wait.
   *
   * @return what they wait for
   */
  public synchronized CountDownLatch hold(long offset) {
    slowFrom = offset;
    slow = new CountDownLatch(1);
    return slow;
  }

  /** Writes wait for the next read, and fail if there is none for minutes. */
  public synchronized void holdWritesUntilARead() {
    firstRead = new CountDownLatch(1);
  }

  @Override
  public long length() {
    return content.length;
  }

  private void awaitTurn(long offset) {
    CountDownLatch gate;
    synchronized (this) {
      gate = offset >= slowFrom ? slow : new CountDownLatch(0);
      firstRead.countDown();
    }
    await(gate, Long.MAX_VALUE);
  }

  private synchronized CountDownLatch firstRead() {
    return firstRead;
  }

  private static boolean await(CountDownLatch gate, long seconds) {
    try {
      return gate.await(seconds, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public int read(long offset, ByteBuffer target) {
    awaitTurn(offset);
    synchronized (this) {
      if (readErrors > 0) {
        readErrors--;
        return -readError;
      }
      int count = (int) Math.min(target.remaining(), content.length - offset);
      count = Math.max(0, Math.min(count, mostBytes));
      target.put(content, (int) offset, count);
      return count;
    }
  }

  @Override
  public int write(long offset, ByteBuffer source) {
    if (!await(firstRead(), PATIENCE_SECONDS)) {
      return -Errno.EIO; // or who waits in the kernel for this would do so for ever
    }
    synchronized (this) {
      if (writeErrors > 0) {
        writeErrors--;
        return -writeError;
      }
      int count = Math.min(source.remaining(), mostBytes);
      source.get(content, (int) offset, count);
      return count;
    }
  }

  @Override
  public synchronized int fsync() {
    if (syncErrors > 0) {
      syncErrors--;
      return -syncError;
    }
    return 0;
  }
}
