// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

/** How a guest asks for the files of a {@link ShareSpec}. */
public enum ShareProtocol {
  /** virtio-fs, FUSE over virtio, since Linux 5.4. */
  VIRTIO_FS("virtiofs", ""),
  /** 9P2000.L over virtio. */
  NINE_P("9p", "trans=virtio,version=9p2000.L,access=client,msize=512000");

  private final String mountType;
  private final String mountOptions;

  ShareProtocol(String mountType, String mountOptions) {
    this.mountType = mountType;
    this.mountOptions = mountOptions;
  }

  /** The type that mount(8) is told; the device is the share's tag. */
  public String mountType() {
    return mountType;
  }

  /** The options that mount(8) has to be told, or nothing. */
  public String mountOptions() {
    return mountOptions;
  }
}
