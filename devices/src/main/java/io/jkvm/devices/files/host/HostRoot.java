// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;
import io.jkvm.devices.files.host.nodes.TreeAllotment;
import java.nio.charset.Charset;
import java.nio.file.Path;

/**
 * The directory that is shared, by its path for the only time.
 *
 * @param nodes with its node
 * @param descriptor of it, open for reading
 */
record HostRoot(HostNodes nodes, int descriptor) {
  /**
   * Opens it.
   *
   * @param allotment of the tree; given back if there is an error
   */
  static HostRoot open(HostThread thread, Path directory, TreeAllotment allotment)
      throws LinuxException {
    String call = "share " + directory;
    NativeName path = new NativeName(NativeName.PATH_BYTES);
    int handle = -1;
    int descriptor = -1;
    boolean complete = false;
    try {
      Charset charset = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
      check(call, path.set(directory.toAbsolutePath().toString().getBytes(charset)));
      OpenHow how = new OpenHow(OpenHow.O_PATH | OpenHow.O_DIRECTORY, 0, 0);
      handle = check(call, how.open(DirectoryIo.AT_FDCWD, path));
      int flags = OpenHow.O_RDONLY | OpenHow.O_DIRECTORY;
      descriptor = check(call, thread.io.reopen(handle, flags));
      HostNodes nodes = new HostNodes(thread, call, handle, allotment);
      complete = true;
      return new HostRoot(nodes, descriptor);
    } finally {
      if (!complete) {
        HandleIo.close(handle);
        HandleIo.close(descriptor);
        allotment.leave();
      }
    }
  }

  private static int check(String call, int result) throws LinuxException {
    if (result < 0) {
      throw new LinuxException(call, -result);
    }
    return result;
  }
}
