// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.LastSync;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * A 9P transport device (virtio 1.2, device ID 9): a {@link FileTree} that a guest mounts with
 * {@code mount -t 9p -o trans=virtio,version=9p2000.L TAG DIRECTORY}. There is one queue, whose
 * thread serves each request to its end before the next. How long a guest believes what it was told
 * is its mount's {@code cache} option: 9P carries nothing of the policy's about that.
 */
public final class Virtio9p implements VirtioDevice, AutoCloseable {
  /** The most bytes that the tag can have in UTF-8. */
  public static final int MAX_TAG_BYTES = 36;

  private static final int MAX_LOGGED = 8;

  /** VIRTIO_9P_MOUNT_TAG, without which Linux takes no such device. */
  private static final long MOUNT_TAG = 1;

  /** The largest message has its data in 129 pages at most; Linux makes none of more than 128. */
  private static final int QUEUE_SIZE = 256;

  private final String tag;
  private final FileTree tree;
  private final P9Session session;
  private final P9Config config;
  private final LogLimit log = new LogLimit(Virtio9p.class, MAX_LOGGED);

  /**
   * A file system.
   *
   * @param tag what a guest mounts it by: 1 to 36 bytes in UTF-8, none of them 0
   * @param tree closed with the device
   */
  public Virtio9p(String tag, FileTree tree, SharePolicy policy) {
    int tagBytes = tag.getBytes(StandardCharsets.UTF_8).length;
    if (tagBytes < 1 || tagBytes > MAX_TAG_BYTES || tag.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a tag of " + tagBytes + " bytes: it must have 1 to " + MAX_TAG_BYTES + ", no NUL");
    }
    this.tag = tag;
    this.tree = Objects.requireNonNull(tree, "tree");
    session = new P9Session(tree, policy, e -> log.warn(name(), "end of a session: " + e));
    config = new P9Config(tag);
  }

  @Override
  public VirtioType type() {
    return VirtioType.P9_TRANSPORT;
  }

  @Override
  public String name() {
    return "virtio-9p " + tag;
  }

  @Override
  public long features() {
    return MOUNT_TAG;
  }

  @Override
  public int[] queueSizes() {
    return new int[] {QUEUE_SIZE};
  }

  @Override
  public ConfigSpace config() {
    return config;
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    // A chain may have as many descriptors as the device's limit, whatever the driver set.
    return new SequentialService(rings, new P9Server(session, QUEUE_SIZE, name(), log));
  }

  @Override
  public void reset() {
    session.end();
  }

  /** How many files and directories the guest has open. */
  public int openFiles() {
    return session.openCount();
  }

  /**
   * Ends what the guest has, has what it wrote on stable storage, and closes the tree. No queue is
   * served any more.
   *
   * @throws UncheckedIOException if what the guest wrote may be lost
   */
  @Override
  public void close() {
    try {
      session.end();
    } finally {
      LastSync.close(tree);
    }
  }
}
