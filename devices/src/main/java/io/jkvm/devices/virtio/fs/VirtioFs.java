// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.LastSync;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/**
 * A file system device (virtio 1.2, section 5.11): a {@link FileTree} that a guest mounts with
 * {@code mount -t virtiofs TAG DIRECTORY}. Queue 0 is for high priority, which Linux gives to what
 * needs no reply; each request queue has a thread, so a request that takes long holds up only those
 * behind it in its own queue. Not offered: VIRTIO_FS_F_NOTIFICATION, and shared memory for DAX.
 */
public final class VirtioFs implements VirtioDevice, AutoCloseable {
  /** The most request queues. */
  public static final int MAX_REQUEST_QUEUES = 64;

  /** The most bytes that the tag can have in UTF-8. */
  public static final int MAX_TAG_BYTES = FsConfig.TAG_BYTES;

  private static final int PRIORITY_QUEUE_SIZE = 128;

  /** The largest request of Linux has 4 descriptors more than it has pages. */
  private static final int REQUEST_QUEUE_SIZE = 1024;

  private final String tag;
  private final FileTree tree;
  private final FuseSession session;
  private final FsConfig config;
  private final int requestQueues;

  /**
   * A file system with one request queue.
   *
   * @param tag what a guest mounts it by: 1 to 36 bytes in UTF-8, none of them 0
   * @param tree closed with the device
   */
  public VirtioFs(String tag, FileTree tree, SharePolicy policy) {
    this(tag, tree, policy, 1);
  }

  /**
   * A file system.
   *
   * @param tag what a guest mounts it by: 1 to 36 bytes in UTF-8, none of them 0
   * @param tree closed with the device
   * @param requestQueues 1 to {@value #MAX_REQUEST_QUEUES}
   */
  public VirtioFs(String tag, FileTree tree, SharePolicy policy, int requestQueues) {
    int tagBytes = tag.getBytes(StandardCharsets.UTF_8).length;
    if (tagBytes < 1 || tagBytes > MAX_TAG_BYTES || tag.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a tag of " + tagBytes + " bytes: it must have 1 to " + MAX_TAG_BYTES + ", no NUL");
    }
    if (requestQueues < 1 || requestQueues > MAX_REQUEST_QUEUES) {
      throw new IllegalArgumentException(requestQueues + " request queues");
    }
    this.tag = tag;
    this.tree = Objects.requireNonNull(tree, "tree");
    this.requestQueues = requestQueues;
    session = new FuseSession(name(), tree, policy);
    config = new FsConfig(tag, requestQueues);
  }

  @Override
  public VirtioType type() {
    return VirtioType.FILE_SYSTEM;
  }

  @Override
  public String name() {
    return "virtio-fs " + tag;
  }

  @Override
  public long features() {
    return 0;
  }

  @Override
  public int[] queueSizes() {
    int[] sizes = new int[1 + requestQueues];
    Arrays.fill(sizes, REQUEST_QUEUE_SIZE);
    sizes[0] = PRIORITY_QUEUE_SIZE;
    return sizes;
  }

  @Override
  public ConfigSpace config() {
    return config;
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    // A chain may have as many descriptors as the device's limit, whatever the driver set.
    return new SequentialService(rings, new FuseServer(session, queueSizes()[queue]));
  }

  @Override
  public void reset() {
    session.end();
  }

  /** How many files and directories the guest has open. */
  public int openFiles() {
    return session.files().size() + session.directories().size();
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
