// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A disk (virtio 1.2, section 5.2). Data goes between the backend and guest RAM by one system call
 * and no copy. Errors of the host become VIRTIO_BLK_S_IOERR and a log line, a few of them.
 */
public final class VirtioBlock implements VirtioDevice {
  /** The unit of sector numbers, whatever blk_size says. */
  public static final int SECTOR_BYTES = 512;

  private static final int DEVICE_ID = 2;
  private static final int QUEUE_SIZE = 256;
  private static final int MAX_DATA_SEGMENTS = QUEUE_SIZE - 2;
  private static final int MAX_LOGGED_ERRORS = 8;

  private static final long F_SEG_MAX = 1L << 2;
  private static final long F_RO = 1L << 5;
  private static final long F_BLK_SIZE = 1L << 6;
  private static final long F_FLUSH = 1L << 9;
  private static final long F_TOPOLOGY = 1L << 10;
  private static final long F_CONFIG_WCE = 1L << 11;
  private static final long F_DISCARD = 1L << 13;
  private static final long F_WRITE_ZEROES = 1L << 14;

  private final BlockBackend backend;
  private final BlockConfig config;
  private final BlockRequest parsed;
  private final IoVector vector = new IoVector(QUEUE_SIZE);
  private final byte[] id;
  private final LogLimit errorLog = new LogLimit(VirtioBlock.class, MAX_LOGGED_ERRORS);
  private volatile long features;

  /**
   * A disk.
   *
   * @param backend stays the caller's to close, after the transport is closed
   * @param id what the guest sees as the serial number: the first 20 bytes, others than printable
   *     ASCII replaced by {@code _}
   */
  public VirtioBlock(BlockBackend backend, String id) {
    this.backend = backend;
    this.id = idBytes(id);
    config = new BlockConfig(backend, MAX_DATA_SEGMENTS);
    parsed = new BlockRequest(backend);
  }

  /** The id for a disk that got none: its file's name. */
  public static String defaultId(Path path) {
    Path file = path.getFileName();
    return file == null ? "disk" : file.toString();
  }

  private static byte[] idBytes(String id) {
    byte[] bytes = new byte[BlockRequest.ID_BYTES];
    byte[] ascii = id.replaceAll("[^ -~]", "_").getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(ascii, 0, bytes, 0, Math.min(ascii.length, bytes.length));
    return bytes;
  }

  @Override
  public int deviceId() {
    return DEVICE_ID;
  }

  @Override
  public String name() {
    return "virtio-blk " + backend.name();
  }

  @Override
  public long features() {
    long common = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY;
    return common | (backend.readOnly() ? F_RO : F_CONFIG_WCE | F_DISCARD | F_WRITE_ZEROES);
  }

  @Override
  public int queueCount() {
    return 1;
  }

  @Override
  public int maxQueueSize(int queue) {
    return QUEUE_SIZE;
  }

  @Override
  public long readConfig(long offset, int size) {
    return config.read(offset, size);
  }

  @Override
  public void writeConfig(long offset, int size, long value) {
    if ((features & F_CONFIG_WCE) != 0) {
      config.write(offset, size, value);
    }
  }

  @Override
  public void activate(long negotiated) {
    features = negotiated;
  }

  @Override
  public void reset() {
    features = 0;
    config.reset();
  }

  @Override
  public long process(int queue, DescriptorChain request) throws GuestFault {
    int status = parsed.parse(request);
    if (status == BlockRequest.STATUS_OK) {
      status = carryOut(request);
    }
    request.writeLastByte(status);
    // The length counts what was surely written from the first writable byte on (section 2.7.8.2).
    return status == BlockRequest.STATUS_OK || request.writableBytes() == 1
        ? request.writableBytes()
        : 0;
  }

  private int carryOut(DescriptorChain request) throws GuestFault {
    try {
      switch (parsed.type()) {
        case BlockRequest.TYPE_IN:
          parsed.collectIn(vector);
          backend.read(vector, parsed.offsetBytes());
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_OUT:
          parsed.collectOut(vector);
          backend.write(vector, parsed.offsetBytes());
          break;
        case BlockRequest.TYPE_FLUSH:
          backend.flush();
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_GET_ID:
          request.write(0, id, id.length);
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_DISCARD:
          if ((features & F_DISCARD) == 0) {
            return BlockRequest.STATUS_UNSUPPORTED;
          }
          discard();
          break;
        default:
          if ((features & F_WRITE_ZEROES) == 0) {
            return BlockRequest.STATUS_UNSUPPORTED;
          }
          writeZeroes();
          break;
      }
      if (!writeback()) {
        backend.flush();
      }
      return BlockRequest.STATUS_OK;
    } catch (IOException e) {
      errorLog.warn(name(), e.getMessage());
      return BlockRequest.STATUS_IO_ERROR;
    }
  }

  /** Section 5.2.6.2: without a flush command every write has to be durable when it is answered. */
  private boolean writeback() {
    return (features & F_CONFIG_WCE) != 0 ? config.writeback() : (features & F_FLUSH) != 0;
  }

  private void discard() throws IOException {
    for (int i = 0; i < parsed.segments(); i++) {
      if (parsed.segmentBytes(i) > 0) {
        backend.discard(parsed.segmentOffsetBytes(i), parsed.segmentBytes(i));
      }
    }
  }

  private void writeZeroes() throws IOException {
    for (int i = 0; i < parsed.segments(); i++) {
      if (parsed.segmentBytes(i) > 0) {
        backend.writeZeroes(
            parsed.segmentOffsetBytes(i), parsed.segmentBytes(i), parsed.segmentUnmap(i));
      }
    }
  }
}
