// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.pcap;

import io.jkvm.devices.network.frame.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import org.slf4j.LoggerFactory;

/**
 * Writes a capture file of Ethernet frames with nanosecond stamps, in the classic pcap format
 * (draft-ietf-opsawg-pcap). Each record is written with one system call and can be read from the
 * file at once. May be used by any thread.
 *
 * <p>If the file cannot be written any more, that is logged once, the file is cut back to its whole
 * records, and everything after is ignored.
 */
public final class PcapWriter implements AutoCloseable {
  private static final int MAGIC_NANOSECONDS = 0xa1b23c4d;
  private static final int LINKTYPE_ETHERNET = 1;
  private static final int FILE_HEADER_BYTES = 24;
  private static final int RECORD_HEADER_BYTES = 16;
  private static final long SECOND = 1_000_000_000L;

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer record =
      ByteBuffer.allocateDirect(RECORD_HEADER_BYTES + Frame.MAX_BYTES)
          .order(ByteOrder.LITTLE_ENDIAN);
  // The wall clock minus System.nanoTime, which is read per frame as it allocates nothing.
  private final long wallClockBase;
  private long wholeBytes;
  private boolean open = true;

  private PcapWriter(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    Instant now = Instant.now();
    wallClockBase = now.getEpochSecond() * SECOND + now.getNano() - System.nanoTime();
    record.putInt(MAGIC_NANOSECONDS).putShort((short) 2).putShort((short) 4);
    record.putInt(0).putInt(0).putInt(Frame.MAX_BYTES).putInt(LINKTYPE_ETHERNET);
    write(FILE_HEADER_BYTES);
  }

  /**
   * Starts a capture; an existing one is emptied, any other file is refused.
   *
   * @param file a regular file: a pipe that nobody reads would stop the network
   * @throws IOException one line naming the file, the cause and what to do
   */
  public static PcapWriter open(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw failure(file, "not a regular file", null);
    }
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
      takeOver(file, channel);
      return new PcapWriter(file, channel);
    } catch (IOException e) {
      if (channel != null) {
        channel.close();
      }
      throw failure(file, reason(e), e);
    }
  }

  /**
   * Empties the file if it is a capture that nobody writes to: one letter wrong in a name must not
   * cost a disk image.
   */
  private static void takeOver(Path file, FileChannel channel) throws IOException {
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      throw new FileSystemException(file.toString(), null, "in use by another program");
    }
    ByteBuffer magic = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    int count = channel.read(magic, 0);
    if (count >= 0 && (count < 4 || magic.getInt(0) != MAGIC_NANOSECONDS)) {
      throw new FileSystemException(file.toString(), null, "there already, and no capture of ours");
    }
    channel.truncate(0);
  }

  private static IOException failure(Path file, String cause, IOException e) {
    String advice = ": name a file that can be written for the capture";
    return new IOException("pcap " + file + ": " + cause + advice, e);
  }

  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "No such directory";
    }
    if (e instanceof AccessDeniedException) {
      return "Permission denied";
    }
    String reason = e instanceof FileSystemException f ? f.getReason() : e.getMessage();
    return reason == null ? e.getClass().getSimpleName() : reason;
  }

  /** The present time for {@link #record}: nanoseconds since 1970. */
  public long now() {
    return wallClockBase + System.nanoTime();
  }

  /**
   * Appends a frame as it is, work that its header leaves to a receiver included.
   *
   * @param stamp what {@link #now} was when the frame passed
   */
  public synchronized void record(Frame frame, long stamp) {
    if (!open) {
      return;
    }
    int length = frame.length();
    int kept = Math.min(length, Frame.MAX_BYTES);
    record.putInt(0, (int) (stamp / SECOND)).putInt(4, (int) (stamp % SECOND));
    record.putInt(8, kept).putInt(12, length);
    record.put(RECORD_HEADER_BYTES, frame.memory(), frame.bytes().readerIndex(), kept);
    try {
      write(RECORD_HEADER_BYTES + kept);
    } catch (IOException e) {
      end(reason(e));
    }
  }

  private void write(int bytes) throws IOException {
    record.clear().limit(bytes);
    // A write that is cut short by a full disk says why when it goes on.
    while (record.hasRemaining()) {
      if (channel.write(record) == 0) {
        throw new IOException("nothing could be written");
      }
    }
    record.clear();
    wholeBytes += bytes;
  }

  private void end(String why) {
    LoggerFactory.getLogger(PcapWriter.class)
        .warn("pcap {}: {}: the capture ends here, the network goes on", file, why);
    record.clear();
    try {
      channel.truncate(wholeBytes);
    } catch (IOException e) {
      LoggerFactory.getLogger(PcapWriter.class).debug("pcap {}: not cut back", file, e);
    }
    close();
  }

  /** Whether frames are still recorded. */
  public synchronized boolean isOpen() {
    return open;
  }

  /** Ends the capture. */
  @Override
  public synchronized void close() {
    open = false;
    try {
      channel.close();
    } catch (IOException e) {
      LoggerFactory.getLogger(PcapWriter.class).warn("pcap {}: {}", file, reason(e));
    }
  }
}
