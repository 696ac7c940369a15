// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/** The KVM subsystem: an open {@code /dev/kvm}. */
public final class Kvm implements AutoCloseable {
  /** The only API version there has ever been since Linux 2.6.22. */
  private static final int API_VERSION = 12;

  /** CPUID.1:ECX, TSC_Deadline. */
  private static final int TSC_DEADLINE_TIMER = 1 << 24;

  private static final Set<KvmCap> REQUIRED =
      EnumSet.of(
          KvmCap.IRQCHIP,
          KvmCap.USER_MEMORY,
          KvmCap.SET_TSS_ADDR,
          KvmCap.EXT_CPUID,
          KvmCap.IRQFD,
          KvmCap.PIT2,
          KvmCap.IOEVENTFD,
          KvmCap.SET_IDENTITY_MAP_ADDR,
          KvmCap.ADJUST_CLOCK,
          KvmCap.VCPU_EVENTS,
          KvmCap.READONLY_MEM,
          KvmCap.IMMEDIATE_EXIT);

  private final Fd fd;
  private final int vcpuMmapSizeBytes;

  private Kvm(Fd fd) throws LinuxException, KvmException {
    this.fd = fd;
    int version = KvmIoctl.GET_API_VERSION.call(fd.value(), 0);
    if (version != API_VERSION) {
      throw new KvmException(
          KvmException.Kind.TOO_OLD, "KVM's API version is " + version + ", not " + API_VERSION);
    }
    Set<KvmCap> missing = EnumSet.noneOf(KvmCap.class);
    for (KvmCap cap : REQUIRED) {
      if (capability(cap) <= 0) {
        missing.add(cap);
      }
    }
    if (!missing.isEmpty()) {
      throw new KvmException(
          KvmException.Kind.TOO_OLD,
          "this host's KVM is too old or incomplete, it lacks "
              + missing.stream()
                  .map(cap -> "KVM_CAP_" + cap + " (" + cap.meaning() + ")")
                  .collect(Collectors.joining(", ")));
    }
    vcpuMmapSizeBytes = KvmIoctl.GET_VCPU_MMAP_SIZE.call(fd.value(), 0);
  }

  /**
   * Opens a KVM device and checks that it can do what jkvm needs.
   *
   * @param path {@code /dev/kvm} as a rule
   * @throws KvmException what is wrong, as a kind and in one line
   */
  public static Kvm open(String path) throws KvmException {
    Fd fd;
    try {
      fd = Fd.open(path, Fd.READ_WRITE);
    } catch (LinuxException e) {
      throw new KvmException(kindOf(e.errno()), e.getMessage(), e);
    }
    try {
      return new Kvm(fd);
    } catch (LinuxException e) {
      fd.close();
      throw new KvmException(
          KvmException.Kind.NOT_KVM, path + " is not a KVM device (" + e.getMessage() + ")", e);
    } catch (KvmException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  private static KvmException.Kind kindOf(int errno) {
    return switch (errno) {
      case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO -> KvmException.Kind.ABSENT;
      case Errno.EACCES, Errno.EPERM, Errno.EROFS -> KvmException.Kind.FORBIDDEN;
      default -> KvmException.Kind.NOT_KVM;
    };
  }

  /** KVM_CHECK_EXTENSION: 0 where the capability is absent, else its value. */
  public int capability(KvmCap cap) throws LinuxException {
    return KvmIoctl.CHECK_EXTENSION.call(fd.value(), cap.number());
  }

  /** Whether {@link KvmVm#disablePmu} does what it says, since Linux 5.18. */
  public boolean canDisablePmu() throws LinuxException {
    return (capability(KvmCap.PMU_CAPABILITY) & KvmVm.KVM_PMU_CAP_DISABLE) != 0;
  }

  /** The largest number of vCPUs that one VM can have. */
  public int maxVcpus() throws LinuxException {
    int max = capability(KvmCap.MAX_VCPUS);
    return max > 0 ? max : Math.max(capability(KvmCap.NR_VCPUS), 4); // 4: api.rst, KVM_CAP_NR_VCPUS
  }

  /**
   * KVM_GET_SUPPORTED_CPUID: what this host can show to a guest, and the TSC deadline timer, which
   * KVM reports as a capability only.
   */
  public Cpuid supportedCpuid() throws LinuxException {
    for (int capacity = 128; ; capacity *= 2) {
      NativeMemory table = new NativeMemory(Cpuid.HEADER_BYTES + capacity * Cpuid.ENTRY_BYTES);
      table.buffer().putInt(0, capacity);
      try {
        KvmIoctl.GET_SUPPORTED_CPUID.call(fd.value(), table.address());
        Cpuid supported = Cpuid.decode(table.buffer());
        return capability(KvmCap.TSC_DEADLINE_TIMER) > 0
            ? supported.change(1, 0, Cpuid.Register.ECX, TSC_DEADLINE_TIMER, 0)
            : supported;
      } catch (LinuxException e) {
        if (e.errno() != Errno.E2BIG || capacity > 4096) {
          throw e;
        }
      }
    }
  }

  /** KVM_CREATE_VM. */
  public KvmVm createVm() throws LinuxException {
    while (true) {
      try {
        return new KvmVm(new Fd(KvmIoctl.CREATE_VM.call(fd.value(), 0)), vcpuMmapSizeBytes);
      } catch (LinuxException e) {
        // KVM waits for locks that a signal, such as the JVM's own, ends early.
        if (e.errno() != Errno.EINTR) {
          throw e;
        }
      }
    }
  }

  @Override
  public void close() {
    fd.close();
  }
}
