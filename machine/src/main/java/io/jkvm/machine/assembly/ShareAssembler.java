// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.host.HostTree;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.fs.VirtioFs;
import io.jkvm.devices.virtio.p9.Virtio9p;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.ShareProtocol;
import io.jkvm.machine.spec.ShareSpec;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Opens the directories that a machine's guest can mount. */
final class ShareAssembler {
  /** Linux before 6.11 uses one; each costs a thread and an interrupt. */
  private static final int MAX_QUEUES = 4;

  private final Host host;
  private final CloseStack resources;
  private final int queues;

  /**
   * An assembler for one machine.
   *
   * @param cpus of the machine: more queues are of no use
   */
  ShareAssembler(Host host, CloseStack resources, int cpus) {
    this.host = host;
    this.resources = resources;
    queues = Math.min(cpus, MAX_QUEUES);
  }

  /**
   * Opens them.
   *
   * @throws MachineException one line saying what is wrong
   */
  List<VirtioDevice> open(List<ShareSpec> specs) {
    List<VirtioDevice> devices = new ArrayList<>();
    for (ShareSpec spec : specs) {
      check(spec.directory());
      FileTree tree = tree(spec.directory());
      if (spec.protocol() == ShareProtocol.NINE_P) {
        Virtio9p device = new Virtio9p(spec.tag(), tree, policy(spec));
        devices.add(device);
        resources.push(Layer.FLUSHES, device);
      } else {
        VirtioFs device = new VirtioFs(spec.tag(), tree, policy(spec), queues);
        devices.add(device);
        resources.push(Layer.FLUSHES, device); // a host that hangs is in no disk's way
      }
    }
    return devices;
  }

  private FileTree tree(Path directory) {
    String name = directory.toString();
    if (directory.getFileSystem() != FileSystems.getDefault()) {
      return new JavaTree(name, directory);
    }
    try {
      return new HostTree(name, directory, host.treeBudget());
    } catch (LinuxException e) {
      if (e.errno() == Errno.EPERM) {
        throw new MachineException(
            Problem.SHARE_FAILED, name, name + " is the kernel's own and can't be shared", e);
      }
      throw Problems.backend(Problem.SHARE_FAILED, name, e);
    }
  }

  private static void check(Path directory) {
    String subject = directory.toString();
    if (!Files.exists(directory)) {
      throw new MachineException(
          Problem.SHARE_ABSENT, subject, "there is no directory " + subject + " to share", null);
    }
    if (!Files.isDirectory(directory)) {
      throw new MachineException(
          Problem.SHARE_NOT_A_DIRECTORY, subject, subject + " is not a directory", null);
    }
    if (!Files.isReadable(directory) || !Files.isExecutable(directory)) {
      throw new MachineException(
          Problem.SHARE_FORBIDDEN, subject, subject + " may not be read by this user", null);
    }
  }

  private static SharePolicy policy(ShareSpec spec) {
    if (spec.constant()) {
      return SharePolicy.readOnlyCached();
    }
    return spec.readOnly() ? SharePolicy.readOnlyFresh() : SharePolicy.writable();
  }
}
