// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.network.tap;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.net.NetDevice;
import io.jkvm.core.linux.net.TapQueue;
import io.jkvm.devices.network.frame.Offload;
import io.jkvm.devices.network.frame.VnetHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.LoggerFactory;

/** Opens the queues of a tap interface, and knows what each of the kernel's refusals means. */
final class TapOpener {
  private final String driver;
  private final String card;
  private final String name;
  private final int count;
  private final NetDevice device;
  private final List<TapQueue> queues = new ArrayList<>();

  private TapOpener(String driver, String card, String name, int count) {
    this.driver = driver;
    this.card = card;
    this.name = name;
    this.count = count;
    device = new NetDevice(name);
  }

  static TapBackend open(String driver, String card, String name, int queues) throws IOException {
    TapBackend.checkName(name);
    if (queues < 1 || queues > TapBackend.MAX_QUEUES) {
      throw new IllegalArgumentException(
          "tap " + name + ": queues=" + queues + " is not 1 to " + TapBackend.MAX_QUEUES);
    }
    return new TapOpener(driver, card, name, queues).open();
  }

  private TapBackend open() throws IOException {
    try {
      boolean existed = device.exists();
      boolean multiQueue = attachFirst(existed);
      while (queues.size() < count) {
        attach(multiQueue, true);
      }
      queues.get(0).setHeaderSize(VnetHeader.BYTES);
      int offloads = probeOffloads();
      if (!existed) {
        device.bringUp();
      } else if (!device.isUp()) {
        LoggerFactory.getLogger(TapBackend.class)
            .warn("tap {} is down; type: sudo ip link set {} up", name, name);
      }
      return new TapBackend(card, name, queues, device.mtu(), offloads);
    } catch (LinuxException e) {
      closeQueues();
      throw new IOException("tap " + name + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException | Error e) {
      closeQueues();
      throw e;
    }
  }

  private void closeQueues() {
    queues.forEach(TapQueue::close);
  }

  /** Attaches the first queue; returns whether the interface is one with several. */
  private boolean attachFirst(boolean existed) throws IOException {
    boolean wanted = count > 1;
    try {
      queues.add(TapQueue.open(driver, name, wanted));
      return wanted;
    } catch (LinuxException e) {
      if (e.errno() != Errno.EINVAL || !existed) {
        throw explained(e, existed);
      }
    }
    // An interface that exists wants to be asked for as what it is.
    if (wanted) {
      throw notMultiQueue();
    }
    attach(true, existed);
    return true;
  }

  private void attach(boolean multiQueue, boolean existed) throws IOException {
    try {
      queues.add(TapQueue.open(driver, name, multiQueue));
    } catch (LinuxException e) {
      throw explained(e, existed);
    }
  }

  /** The interface was refused as one with several queues; is it one with one? */
  private IOException notMultiQueue() {
    try {
      TapQueue.open(driver, name, false).close();
    } catch (LinuxException e) {
      if (e.errno() == Errno.EINVAL) {
        return explained(e, true);
      }
    }
    return refused(
        "has one queue only, so queues="
            + count
            + " is too many; leave queues out, or make it anew: sudo ip tuntap del dev "
            + name
            + " mode tap && "
            + creation());
  }

  private int probeOffloads() throws LinuxException {
    int offloads = Offload.SOFTWARE;
    try {
      queues.get(0).setOffloads(Offload.CSUM | Offload.UFO);
      offloads |= Offload.UFO;
    } catch (LinuxException e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
    }
    queues.get(0).setOffloads(Offload.NONE);
    return offloads;
  }

  private IOException explained(LinuxException e, boolean existed) {
    String cause = Errno.name(e.errno()) + ": " + Errno.message(e.errno());
    if (e.call().startsWith("open ")) {
      return driverRefused(e.errno(), cause);
    }
    switch (e.errno()) {
      case Errno.EPERM:
        if (existed) {
          return refused(
              "belongs to another user ("
                  + cause
                  + "); take another name, or make it yours: sudo ip tuntap del dev "
                  + name
                  + " mode tap && "
                  + creation());
        }
        return refused(
            "does not exist, and may not be made by this user ("
                + cause
                + "); type: "
                + creation());
      case Errno.EBUSY:
        return refused(
            "is in use by another program ("
                + cause
                + "); stop it, or take another name. To find it: sudo grep -ls 'iff:.*"
                + name
                + "$' /proc/[0-9]*/fdinfo/*");
      case Errno.EINVAL:
        return refused(
            "is an interface, but not a tap ("
                + cause
                + "); take another name, or make one: "
                + "sudo ip tuntap add dev NAME mode tap user $USER && sudo ip link set NAME up");
      case Errno.E2BIG:
        return refused("has no " + count + " queues left (" + cause + "); give fewer queues");
      default:
        return refused("can't be opened (" + e.getMessage() + "); check ip -d link show " + name);
    }
  }

  private IOException driverRefused(int errno, String cause) {
    String todo =
        switch (errno) {
          case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
              "load the kernel's tun driver: sudo modprobe tun";
          case Errno.EACCES -> "type: sudo chmod a+rw " + driver;
          case Errno.EPERM -> "a container must be given it when it is started";
          default -> "check the file";
        };
    return refused(
        "can't be used, because " + driver + " can't be opened (" + cause + "); " + todo);
  }

  private String creation() {
    return "sudo ip tuntap add dev "
        + name
        + " mode tap user $USER"
        + (count > 1 ? " multi_queue" : "")
        + " && sudo ip link set "
        + name
        + " up";
  }

  private IOException refused(String why) {
    return new IOException("tap " + name + " " + why);
  }
}
