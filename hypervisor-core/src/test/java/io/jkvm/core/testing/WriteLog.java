// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A medium with a volatile cache that notes what is written and when it is flushed, and says what a
 * power cut may leave: all that was written before the last flush, and of what came after it any
 * part, down to sectors.
 */
public final class WriteLog implements FuseFile.Content {
  private static final int SECTOR_BYTES = 512;

  /** A write, or a flush where there are no bytes. */
  private record Entry(int offset, byte[] bytes) {}

  private final byte[] initial;
  private final byte[] content;
  private final List<Entry> entries = new ArrayList<>();

  /** Of a content that is durable from the beginning. */
  public WriteLog(byte[] initial) {
    this.initial = initial.clone();
    content = initial.clone();
  }

  @Override
  public long length() {
    return content.length;
  }

  @Override
  public synchronized int read(long offset, ByteBuffer target) {
    int count = (int) Math.max(0, Math.min(target.remaining(), content.length - offset));
    target.put(content, (int) offset, count);
    return count;
  }

  @Override
  public synchronized int write(long offset, ByteBuffer source) {
    byte[] bytes = new byte[source.remaining()];
    source.get(bytes);
    System.arraycopy(bytes, 0, content, (int) offset, bytes.length);
    entries.add(new Entry((int) offset, bytes));
    return bytes.length;
  }

  @Override
  public synchronized int fsync() {
    entries.add(new Entry(0, new byte[0]));
    return 0;
  }

  /** How many writes and flushes there were so far. */
  public synchronized int position() {
    return entries.size();
  }

  /** How many flushes there were so far. */
  public synchronized long flushes() {
    return entries.stream().filter(entry -> entry.bytes.length == 0).count();
  }

  /** Power cuts at positions that do not go back. */
  public final class Cuts {
    private final byte[] flushed = initial.clone();
    private int flushedTo;

    /**
     * What is left by a cut that comes when so many writes and flushes were carried out.
     *
     * @param position not before that of the last cut
     * @param random decides what the cache had written by itself
     */
    public byte[] at(int position, Random random) {
      synchronized (WriteLog.this) {
        for (int i = position - 1; i >= flushedTo; i--) {
          if (entries.get(i).bytes.length == 0) {
            entries.subList(flushedTo, i).forEach(entry -> apply(entry, flushed));
            flushedTo = i + 1;
          }
        }
        byte[] left = Arrays.copyOf(flushed, flushed.length);
        List<Entry> cached = entries.subList(flushedTo, position);
        boolean all = random.nextInt(4) == 0;
        int torn = cached.isEmpty() ? -1 : random.nextInt(cached.size());
        for (int i = 0; i < cached.size(); i++) {
          if (i == torn && !all) {
            tear(cached.get(i), left, random);
          } else if (all || random.nextBoolean()) {
            apply(cached.get(i), left);
          }
        }
        return left;
      }
    }

    private void apply(Entry entry, byte[] to) {
      System.arraycopy(entry.bytes, 0, to, entry.offset, entry.bytes.length);
    }

    private void tear(Entry entry, byte[] to, Random random) {
      for (int at = 0; at < entry.bytes.length; at += SECTOR_BYTES) {
        if (random.nextBoolean()) {
          int count = Math.min(SECTOR_BYTES, entry.bytes.length - at);
          System.arraycopy(entry.bytes, at, to, entry.offset + at, count);
        }
      }
    }
  }

  /** Cuts from the beginning. */
  public Cuts cuts() {
    return new Cuts();
  }
}
