// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.net;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.LinuxException;
import java.lang.ref.Reference;

/**
 * A network interface of the calling thread's network namespace, by the requests of netdevice(7).
 * Not by {@code /sys/class/net}: that shows the namespace of whoever mounted it.
 */
public final class NetDevice {
  private static final long SIOCGIFFLAGS = 0x8913;
  private static final long SIOCSIFFLAGS = 0x8914;
  private static final long SIOCGIFMTU = 0x8921;
  private static final int IFF_UP = 1;

  private final String name;

  /**
   * A name, whether or not there is such an interface.
   *
   * @param name 1 to 15 bytes
   */
  public NetDevice(String name) {
    this.name = name;
  }

  /** Whether there is an interface of this name. */
  public boolean exists() throws LinuxException {
    try {
      isUp();
      return true;
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENODEV) {
        return false;
      }
      throw e;
    }
  }

  /** Whether the interface is administratively up. */
  public boolean isUp() throws LinuxException {
    return (ask("SIOCGIFFLAGS", SIOCGIFFLAGS).flags() & IFF_UP) != 0;
  }

  /** Brings the interface up, which needs CAP_NET_ADMIN. */
  public void bringUp() throws LinuxException {
    InterfaceRequest request = ask("SIOCGIFFLAGS", SIOCGIFFLAGS);
    request.flags(request.flags() | IFF_UP);
    perform("SIOCSIFFLAGS", SIOCSIFFLAGS, request);
  }

  /** The largest packet without link-layer header, in bytes. */
  public int mtu() throws LinuxException {
    return ask("SIOCGIFMTU", SIOCGIFMTU).mtu();
  }

  private InterfaceRequest ask(String call, long number) throws LinuxException {
    InterfaceRequest request = new InterfaceRequest(name);
    perform(call, number, request);
    return request;
  }

  private void perform(String call, long number, InterfaceRequest request) throws LinuxException {
    int type = Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC;
    try (Fd socket = new Fd(LinuxException.check("socket", Libc.socket(Libc.AF_INET, type, 0)))) {
      LinuxException.check(
          call + " " + name, Libc.ioctl(socket.value(), number, request.address()));
      Reference.reachabilityFence(request);
    }
  }
}
