// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.TreeStatistics;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;

/** Requests about a mount as a whole: TVERSION, TATTACH, TSTATFS, and TFLUSH. */
final class MountRequests {
  /** The smallest size of messages that can be agreed on; there is no other before TVERSION. */
  static final int MIN_BYTES = 4096;

  /** The largest, for 512 KiB of data and what Linux leaves for the fields before them. */
  static final int MAX_BYTES = (512 << 10) + 24;

  /** The number that is no fid. */
  static final int NO_FID = -1;

  private static final String VERSION = "9P2000.L";
  private static final String UNKNOWN = "unknown";

  private static final int NO_UID = -1;

  /** Whom Linux takes for a user without a number. */
  private static final int NOBODY = 65_534;

  private final P9Session session;
  private final P9Request request;
  private final P9Reply reply;
  private final TreeStatistics statistics = new TreeStatistics();
  private final FileAttributes attributes = new FileAttributes();

  MountRequests(P9Session session, P9Request request, P9Reply reply) {
    this.session = session;
    this.request = request;
    this.reply = reply;
  }

  /** {@code msize[4] version[s]}, answered likewise. All that the client had is gone. */
  int version() throws GuestFault {
    int wanted = request.u32();
    String version = request.string();
    if (!request.isWhole() || Integer.compareUnsigned(wanted, MIN_BYTES) < 0) {
      return -Errno.EINVAL;
    }
    int agreed = Integer.compareUnsigned(wanted, MAX_BYTES) > 0 ? MAX_BYTES : wanted;
    boolean known = version.equals(VERSION);
    if (known) {
      session.begin(agreed);
    } else {
      session.end();
    }
    reply.u32(agreed);
    reply.string(known ? VERSION : UNKNOWN);
    return reply.staged();
  }

  /**
   * {@code fid[4] afid[4] uname[s] aname[s] n_uname[4]}, answered with {@code qid[13]}. There is
   * one tree, whatever is asked for, and nobody proves who he is: that is the guest's kernel's
   * business.
   */
  int attach() throws GuestFault {
    final int number = request.u32();
    final int proof = request.u32();
    request.skipString();
    request.skipString();
    final int user = request.u32();
    if (!request.isWhole() || number == NO_FID) {
      return -Errno.EINVAL;
    }
    if (proof != NO_FID) {
      return -Errno.EBADF;
    }
    int error = session.checkNew(number);
    if (error == 0) {
      error = session.tree().attributes(FileTree.ROOT, attributes);
    }
    if (error < 0) {
      return error;
    }
    int uid = user == NO_UID ? NOBODY : user;
    session.add(new Fid(number, uid, session.places().root(attributes)));
    reply.qid(attributes.mode, attributes.inode);
    return reply.staged();
  }

  /** {@code fid[4]}. */
  int statfs() throws GuestFault {
    Fid fid = session.file(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    int error = session.tree().statistics(fid.node(), statistics);
    if (error < 0) {
      return error;
    }
    reply.statistics(statistics);
    return reply.staged();
  }

  /** {@code oldtag[2]}. Whatever it was, it is answered already. */
  int flush() {
    return 0;
  }
}
