// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.linux.DescriptorLimit;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.core.probe.HostProbe;
import io.jkvm.core.probe.ProcessorName;
import io.jkvm.devices.files.host.nodes.TreeBudget;
import io.jkvm.devices.storage.engine.DiskEngines;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The host that machines of this process run on. What is known about it is found out once for each
 * object, so machines that are made with the same one start a little faster; and their shares have
 * the process's descriptors together, where those of several objects know nothing of each other.
 */
public final class Host {
  private static final Logger LOG = LoggerFactory.getLogger(Host.class);

  /** Less than any system gives by itself. */
  private static final int FEW_DESCRIPTORS = 1024;

  private static final Pattern MEM_TOTAL = Pattern.compile("MemTotal:\\s+(\\d+) kB");

  // Guarded by this.
  private HostCapabilities capabilities;
  private TreeBudget treeBudget;
  private DiskEngines diskEngines;

  /** All RAM of the host in bytes; {@link Long#MAX_VALUE} where it is not known. */
  long memoryBytes() {
    try (BufferedReader reader = Files.newBufferedReader(Path.of("/proc/meminfo"))) {
      Matcher matcher = MEM_TOTAL.matcher(String.valueOf(reader.readLine()));
      return matcher.find() ? Long.parseLong(matcher.group(1)) * 1024 : Long.MAX_VALUE;
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }

  /** The host processor's brand string, which guests' processors have too; empty if not known. */
  String processorName() {
    return ProcessorName.ofHost();
  }

  /**
   * What this host's KVM can run, found by trying.
   *
   * @throws LinuxException if the trial itself fails
   */
  synchronized HostCapabilities capabilities(Kvm kvm, Cpuid supported) throws LinuxException {
    if (capabilities == null) {
      capabilities = HostProbe.run(kvm, supported);
    }
    return capabilities;
  }

  /**
   * What the shares of machines made with this object may have of the process.
   *
   * @throws LinuxException if this process's limit can't be found out
   */
  synchronized TreeBudget treeBudget() throws LinuxException {
    if (treeBudget == null) {
      treeBudget = TreeBudget.ofProcess();
      long limit = DescriptorLimit.current().soft();
      if (Long.compareUnsigned(limit, FEW_DESCRIPTORS) < 0) {
        LOG.warn(
            "this process may have {} files open, and programs that a guest has from a share may"
                + " not find theirs with so few; raise the hard limit (ulimit -Hn) to 4096",
            limit);
      }
    }
    return treeBudget;
  }

  /** What carries out the requests of all machines' disks, of the best kind that works here. */
  synchronized DiskEngines diskEngines() {
    if (diskEngines == null) {
      diskEngines = DiskEngines.probed();
    }
    return diskEngines;
  }

  /** Whether {@link #capabilities} has been asked successfully before. */
  synchronized boolean known() {
    return capabilities != null;
  }
}
