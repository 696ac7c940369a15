// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostNodes;
import io.jkvm.devices.files.host.nodes.HostThread;

/** Opens files and directories by their handles, and makes files that are open. */
final class HostOpening {
  /** How often a name may be taken and free again while it is to be made or opened. */
  private static final int TRIES = 8;

  private final ThreadLocal<HostThread> threads;
  private final HostNodes nodes;
  private final HostMaking making;
  private final WrittenFileSystems written;

  HostOpening(
      ThreadLocal<HostThread> threads,
      HostNodes nodes,
      HostMaking making,
      WrittenFileSystems written) {
    this.threads = threads;
    this.nodes = nodes;
    this.making = making;
    this.written = written;
  }

  /** As {@link io.jkvm.devices.files.FileTree#open}. */
  int open(HostThread thread, long number, int flags, OpenResult result) {
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      if (node.isDirectory()) {
        return -Errno.EISDIR;
      }
      if (OpenFlags.writes(flags)) {
        written.add(thread, node);
      }
      int descriptor = reopen(thread, node, HostMaking.openFlags(flags));
      if (descriptor < 0) {
        return descriptor;
      }
      result.set(file(descriptor, number, node.shown(), flags));
      return 0;
    } finally {
      nodes.done(thread, node);
    }
  }

  private HostFile file(int descriptor, long number, long shown, int flags) {
    return new HostFile(threads, nodes, descriptor, number, shown, flags);
  }

  /** Opens a node; whoever closes it gives the descriptor back. */
  private int reopen(HostThread thread, HostNode node, int flags) {
    if (!nodes.allotment().take()) {
      return -Errno.EMFILE;
    }
    int result = nodes.reopen(thread, node, flags);
    if (result < 0) {
      nodes.allotment().giveBack();
    }
    return result;
  }

  /** As {@link io.jkvm.devices.files.FileTree#create}. */
  int create(
      HostThread thread,
      Caller caller,
      long parent,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry,
      OpenResult result) {
    int error = -Errno.ENOENT;
    for (int i = 0; i < TRIES && error == -Errno.ENOENT; i++) {
      int descriptor = make(thread, caller, parent, name, mode, flags, entry);
      if (descriptor >= 0) {
        result.set(file(descriptor, entry.node, entry.inode, flags));
        return 0;
      }
      if (descriptor != -Errno.EEXIST || (flags & OpenFlags.EXCLUSIVE) != 0) {
        return descriptor;
      }
      error = openExisting(thread, parent, name, flags, entry, result);
    }
    return error;
  }

  private int make(
      HostThread thread,
      Caller caller,
      long parent,
      NativeName name,
      int mode,
      int flags,
      FileAttributes entry) {
    if (!nodes.allotment().take()) {
      return -Errno.EMFILE;
    }
    int result = making.create(thread, caller, parent, name, mode, flags, entry);
    if (result < 0) {
      nodes.allotment().giveBack();
    }
    return result;
  }

  private int openExisting(
      HostThread thread,
      long parent,
      NativeName name,
      int flags,
      FileAttributes entry,
      OpenResult result) {
    HostNode directory = nodes.use(thread, parent);
    if (directory == null) {
      return thread.error;
    }
    int error;
    try {
      error = nodes.lookup(thread, directory, name);
    } finally {
      nodes.done(thread, directory);
    }
    if (error < 0) {
      return error;
    }
    HostAttributes.entry(thread, entry);
    error = open(thread, entry.node, flags, result);
    if (error == 0 && (flags & OpenFlags.TRUNCATE) != 0) {
      OpenFile file = result.takeFile();
      boolean fleeting = entry.fleeting;
      file.attributes(entry); // without its set-ID bits now
      entry.fleeting = fleeting;
      result.set(file);
    }
    if (error < 0) {
      nodes.forget(thread, entry.node, 1);
    }
    return error;
  }

  /** As {@link io.jkvm.devices.files.FileTree#openDirectory}. */
  int openDirectory(HostThread thread, long number, OpenResult result) {
    HostNode node = nodes.use(thread, number);
    if (node == null) {
      return thread.error;
    }
    try {
      if (!node.isDirectory()) {
        return -Errno.ENOTDIR;
      }
      if (node.isSpecial()) {
        result.set(new EmptyDirectory());
        return 0;
      }
      int flags = OpenHow.O_RDONLY | OpenHow.O_DIRECTORY;
      int descriptor = reopen(thread, node, flags);
      if (descriptor < 0) {
        return descriptor;
      }
      result.set(new HostDirectory(threads, nodes, node, descriptor));
      return 0;
    } finally {
      nodes.done(thread, node);
    }
  }
}
