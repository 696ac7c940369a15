// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskEngines;
import io.jkvm.devices.storage.engine.DiskRequest;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.AdaptivePoll;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.ServiceThread;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A disk (virtio 1.2, section 5.2). Data goes between the backend and guest RAM without a copy,
 * many requests at a time where the engine can do that. Errors of the host become
 * VIRTIO_BLK_S_IOERR and a log line, a few of them.
 */
public final class VirtioBlock implements VirtioDevice {
  /** The unit of sector numbers, whatever blk_size says. */
  public static final int SECTOR_BYTES = 512;

  /** A power of two; a chain has no more buffers than this. */
  static final int QUEUE_SIZE = DiskRequest.MAX_SEGMENTS;

  private static final int MAX_DATA_SEGMENTS = QUEUE_SIZE - 2;
  private static final int MAX_LOGGED_ERRORS = 8;

  static final long F_SEG_MAX = 1L << 2;
  static final long F_RO = 1L << 5;
  static final long F_BLK_SIZE = 1L << 6;
  static final long F_FLUSH = 1L << 9;
  static final long F_TOPOLOGY = 1L << 10;
  static final long F_CONFIG_WCE = 1L << 11;
  static final long F_MQ = 1L << 12;
  static final long F_DISCARD = 1L << 13;
  static final long F_WRITE_ZEROES = 1L << 14;

  private final BlockBackend backend;
  private final List<DiskEngine> engines;
  private final boolean polling;
  private final boolean writethrough;
  private final RateLimit limit;
  private final BlockConfig config;
  private final byte[] id;
  private final LogLimit errorLog = new LogLimit(VirtioBlock.class, MAX_LOGGED_ERRORS);
  private final LogLimit shrinkLog = new LogLimit(VirtioBlock.class, 1);
  private final AtomicLong knownSectors = new AtomicLong();
  private volatile Runnable configChanged = () -> {};

  /**
   * A disk whose requests are carried out one after the other, by the queue's thread.
   *
   * @param backend stays the caller's to close, after the transport is closed
   * @param id what the guest sees as the serial number: the first 20 bytes, others than printable
   *     ASCII replaced by {@code _}
   */
  public VirtioBlock(BlockBackend backend, String id) {
    this(backend, id, List.of(DiskEngines.calls(backend)), false, false);
  }

  /**
   * A disk that does as much as it can.
   *
   * @param backend stays the caller's to close, after the engine is
   * @param id what the guest sees as the serial number: the first 20 bytes, others than printable
   *     ASCII replaced by {@code _}
   * @param engines of that backend, one for each queue; stay the caller's to close, after the
   *     transport is closed
   * @param polling whether a queue's thread may look for work for a while before it sleeps
   * @param writethrough whether each write is durable when it is answered, whatever the driver
   *     wishes
   */
  public VirtioBlock(
      BlockBackend backend,
      String id,
      List<DiskEngine> engines,
      boolean polling,
      boolean writethrough) {
    this(backend, id, engines, polling, writethrough, new RateLimit(0, 0));
  }

  /**
   * The same with a limit.
   *
   * @param limit this disk's own
   */
  public VirtioBlock(
      BlockBackend backend,
      String id,
      List<DiskEngine> engines,
      boolean polling,
      boolean writethrough,
      RateLimit limit) {
    this.backend = backend;
    this.engines = List.copyOf(engines);
    this.polling = polling;
    this.writethrough = writethrough;
    this.limit = limit;
    this.id = idBytes(id);
    config = new BlockConfig(backend, MAX_DATA_SEGMENTS, engines.size(), !writethrough);
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
  public VirtioType type() {
    return VirtioType.BLOCK;
  }

  @Override
  public String name() {
    return "virtio-blk " + backend.name();
  }

  @Override
  public long features() {
    long features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY;
    if (engines.size() > 1) {
      features |= F_MQ;
    }
    if (backend.readOnly()) {
      return features | F_RO;
    }
    return features | F_DISCARD | F_WRITE_ZEROES | (writethrough ? 0 : F_CONFIG_WCE);
  }

  @Override
  public int[] queueSizes() {
    int[] sizes = new int[engines.size()];
    Arrays.fill(sizes, QUEUE_SIZE);
    return sizes;
  }

  @Override
  public ConfigSpace config() {
    return config;
  }

  @Override
  public void attach(Runnable changed) {
    configChanged = changed;
  }

  @Override
  public void activate(long negotiated) {
    config.negotiated((negotiated & F_CONFIG_WCE) != 0, (negotiated & F_FLUSH) != 0);
    if (config.driverReady()) {
      configChanged.run();
    }
  }

  /**
   * Looks whether the backend has become larger; the driver is told by {@link #announceCapacity}.
   * One that has become smaller is logged once, and stays as large as it was for the driver. Waits
   * for the host. For any thread.
   *
   * @throws IOException if the size can't be found out
   */
  public void rescan() throws IOException {
    long told = config.capacitySectors() * SECTOR_BYTES; // before: another may find more meanwhile
    long found = backend.rescan();
    knownSectors.accumulateAndGet(backend.capacityBytes() / SECTOR_BYTES, Math::max);
    if (found < told) {
      shrinkLog.warn(
          name(),
          "is only "
              + found
              + " bytes long by now and stays a disk of "
              + told
              + " bytes for the guest; reads beyond the end fail");
    }
  }

  /**
   * Tells the driver of what {@link #rescan} has found, if that is more than it knows of; at once,
   * after a pause, or when it is ready. For any thread, as long as the transport is open.
   *
   * @return what it is told, in bytes
   */
  public long announceCapacity() {
    config.grow(knownSectors.get(), () -> configChanged.run());
    return config.capacitySectors() * SECTOR_BYTES;
  }

  @Override
  public void reset() {
    config.reset();
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    return new ServiceThread(rings, service(engines.get(queue), rings, negotiated));
  }

  private BlockService service(DiskEngine engine, ActiveQueue rings, long negotiated) {
    RateLimit.Turn turn = limit.turn(rings::wake);
    BlockQueue requests = new BlockQueue(this, engine, config, rings.rings(), turn, negotiated);
    AdaptivePoll poll = polling ? AdaptivePoll.whereItPays() : AdaptivePoll.off();
    return new BlockService(rings, requests, engine, turn, poll);
  }

  /** Whether each write is durable when it is answered, whatever the driver wishes. */
  boolean writethrough() {
    return writethrough;
  }

  BlockBackend backend() {
    return backend;
  }

  byte[] id() {
    return id;
  }

  /** An error of the host or of the backend, which the guest sees as an I/O error. */
  void logError(Throwable e) {
    errorLog.warn(name(), e instanceof IOException ? e.getMessage() : e.toString());
  }
}
