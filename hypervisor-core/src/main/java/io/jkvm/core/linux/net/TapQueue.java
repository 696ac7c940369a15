// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.linux.Ioctl;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.lang.ref.Reference;

/**
 * One queue of a tap interface: a descriptor of the kernel's tun driver that frames are read from
 * and written to, each with a struct virtio_net_hdr before it
 * (Documentation/networking/tuntap.rst). The interface is one of the network namespace of the
 * thread that opens it, whoever uses it later.
 */
public final class TapQueue implements AutoCloseable {
  /** Where the kernel has its tun driver. */
  public static final String DRIVER = "/dev/net/tun";

  private static final long TUNSETIFF = Ioctl.iow('T', 202, 4);
  private static final long TUNSETOFFLOAD = Ioctl.iow('T', 208, 4);
  private static final long TUNSETSNDBUF = Ioctl.iow('T', 212, 4);
  private static final long TUNSETVNETHDRSZ = Ioctl.iow('T', 216, 4);
  private static final long TUNSETVNETLE = Ioctl.iow('T', 220, 4);
  private static final int IFF_TAP = 0x0002;
  private static final int IFF_MULTI_QUEUE = 0x0100;
  private static final int IFF_NO_PI = 0x1000;
  private static final int IFF_VNET_HDR = 0x4000;

  private final Fd fd;
  private final String name;

  private TapQueue(Fd fd, String name) {
    this.fd = fd;
    this.name = name;
  }

  /**
   * Attaches to an interface, or makes one that lasts as long as a queue of it is open. The
   * kernel's answers: EPERM it may not be made, or belongs to another user; EBUSY somebody has its
   * only queue; EINVAL not a tap, or one of which {@code multiQueue} is not true; E2BIG no more
   * queues.
   *
   * @param driver {@link #DRIVER} as a rule
   * @param name of the interface, 1 to 15 bytes
   * @param multiQueue whether it is one that may have several queues, in use or not
   */
  public static TapQueue open(String driver, String name, boolean multiQueue)
      throws LinuxException {
    InterfaceRequest request = new InterfaceRequest(name);
    request.flags(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multiQueue ? IFF_MULTI_QUEUE : 0));
    Fd fd = Fd.open(driver, Libc.O_RDWR);
    try {
      LinuxException.check(
          "TUNSETIFF " + name, Libc.ioctl(fd.value(), TUNSETIFF, request.address()));
      Reference.reachabilityFence(request);
      // As it is at first: with less, which the interface remembers, writing could wait.
      NativeMemory unlimited = new NativeMemory(4);
      unlimited.buffer().putInt(0, Integer.MAX_VALUE);
      LinuxException.check(
          "TUNSETSNDBUF " + name, Libc.ioctl(fd.value(), TUNSETSNDBUF, unlimited.address()));
      Reference.reachabilityFence(unlimited);
    } catch (LinuxException e) {
      fd.close();
      throw e;
    }
    return new TapQueue(fd, name);
  }

  /** Sets the form of the header for all queues: its size in bytes, and little-endian fields. */
  public void setHeaderSize(int bytes) throws LinuxException {
    NativeMemory argument = new NativeMemory(4);
    argument.buffer().putInt(0, bytes);
    check("TUNSETVNETHDRSZ", TUNSETVNETHDRSZ, argument.address());
    argument.buffer().putInt(0, 1);
    check("TUNSETVNETLE", TUNSETVNETLE, argument.address());
    Reference.reachabilityFence(argument);
  }

  /**
   * Says which work may be left undone on frames that are read, for all queues.
   *
   * @param offloads a mask of TUN_F_ values; those for segmentation need TUN_F_CSUM (1) as well
   */
  public void setOffloads(int offloads) throws LinuxException {
    check("TUNSETOFFLOAD", TUNSETOFFLOAD, offloads);
  }

  private void check(String call, long number, long argument) throws LinuxException {
    LinuxException.check(call + " " + name, Libc.ioctl(fd.value(), number, argument));
  }

  /**
   * Reads one frame with its header; waits for one, also while the interface is down.
   *
   * @return the bytes read, or an {@link Errno} negated: EINTR after a signal to the thread, EBADFD
   *     if the interface was deleted, EFAULT if that happened during the wait
   */
  public long read(long address, long bytes) {
    long count = Libc.read(fd.value(), address, bytes);
    return count < 0 ? -Libc.errno() : count;
  }

  /**
   * Sends one frame with its header to the host, without waiting for anything.
   *
   * @return the bytes written, or an {@link Errno} negated: EIO if the interface is down, EINVAL
   *     for a header that the kernel refuses, EBADFD if the interface was deleted
   */
  public long write(long address, long bytes) {
    long count = Libc.write(fd.value(), address, bytes);
    return count < 0 ? -Libc.errno() : count;
  }

  /** As {@link #write(long, long)}, of a frame in several ranges, the header first. */
  public long write(IoVector ranges) {
    long count = Libc.writev(fd.value(), ranges.address(), ranges.count());
    return count < 0 ? -Libc.errno() : count;
  }

  @Override
  public void close() {
    fd.close();
  }
}
