// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio;

/** Feature bits that belong to no device type (virtio 1.2, section 6). */
public final class VirtioFeatures {
  /** VIRTIO_F_INDIRECT_DESC. */
  public static final long INDIRECT_DESC = 1L << 28;

  /** VIRTIO_F_EVENT_IDX. */
  public static final long EVENT_IDX = 1L << 29;

  /** VIRTIO_F_VERSION_1: a driver must accept it, the legacy interface is not offered. */
  public static final long VERSION_1 = 1L << 32;

  private VirtioFeatures() {}
}
