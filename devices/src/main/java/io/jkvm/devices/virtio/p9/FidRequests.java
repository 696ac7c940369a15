// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.Fid;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.p9.session.Place;
import io.jkvm.devices.virtio.p9.session.PlaceTree;

/** Requests that make, move and end fids: TWALK, TCLUNK, TREMOVE. */
final class FidRequests {
  /** The most names of one TWALK. */
  private static final int MAX_NAMES = 16;

  private static final int PARENT_DOTS = 2;

  private final P9Session session;
  private final PlaceTree places;
  private final P9Request request;
  private final P9Reply reply;
  private final XattrRequests xattrs;
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final FileAttributes entry = new FileAttributes();
  private final int[] types = new int[MAX_NAMES];
  private final long[] inodes = new long[MAX_NAMES];

  /** How far a walk has come; held. */
  private Place at;

  FidRequests(P9Session session, P9Request request, P9Reply reply, XattrRequests xattrs) {
    this.session = session;
    this.request = request;
    this.reply = reply;
    this.xattrs = xattrs;
    places = session.places();
  }

  /**
   * {@code fid[4] newfid[4] nwname[2] nwname*(wname[s])}, answered with {@code nwqid[2]
   * nwqid*(qid[13])}. A walk that ends before the last name has the qids up to there and no new
   * fid; one that ends at the first is an error.
   */
  int walk() throws GuestFault {
    final Fid fid = session.file(request.u32());
    final int newNumber = request.u32();
    final int count = request.u16();
    if (fid == null) {
      return -Errno.EBADF;
    }
    if (count > MAX_NAMES || reply.room() < 2 + P9Reply.QID_BYTES * count) {
      return -Errno.EINVAL;
    }
    int first = request.position();
    for (int i = 0; i < count; i++) {
      request.skipString();
    }
    if (!request.isWhole()) {
      return -Errno.EINVAL;
    }
    request.position(first);
    int error = checkNew(fid, newNumber);
    return error < 0 ? error : walk(fid, newNumber, count);
  }

  private int checkNew(Fid fid, int newNumber) {
    if (newNumber == fid.number()) {
      return fid.isPlain() ? 0 : -Errno.EINVAL;
    }
    return newNumber == MountRequests.NO_FID ? -Errno.EINVAL : session.checkNew(newNumber);
  }

  private int walk(Fid fid, int newNumber, int count) throws GuestFault {
    at = places.hold(fid.place());
    try {
      int done = 0;
      while (done < count) {
        int error = step();
        if (error < 0 && done == 0) {
          return error;
        }
        if (error < 0) {
          break;
        }
        types[done] = at.type();
        inodes[done] = at.inode();
        done++;
      }
      if (done == count) {
        arrive(fid, newNumber);
      }
      reply.u16(done);
      for (int i = 0; i < done; i++) {
        reply.qid(types[i], inodes[i]);
      }
      return reply.staged();
    } finally {
      places.release(at);
      at = null;
    }
  }

  /** One name on. */
  private int step() throws GuestFault {
    if (!at.isDirectory()) {
      return -Errno.ENOTDIR;
    }
    int dots = request.dots();
    if (dots > 0) {
      request.skipString();
      go(places.hold(dots == PARENT_DOTS ? at.directory() : at));
      return 0;
    }
    int error = request.component(name);
    if (error == 0) {
      error = session.tree().lookup(at.node(), name, entry);
    }
    if (error < 0) {
      return error;
    }
    Place next = places.enter(at, name, entry);
    if (next == null) {
      return -Errno.ENFILE;
    }
    go(next);
    return 0;
  }

  private void go(Place next) {
    Place before = at;
    at = next;
    places.release(before);
  }

  private void arrive(Fid fid, int newNumber) {
    if (newNumber == fid.number()) {
      session.move(fid, places.hold(at));
    } else {
      session.add(new Fid(newNumber, fid.uid(), places.hold(at)));
    }
  }

  /** {@code fid[4]}. The fid is gone also if what it wrote can't be kept. */
  int clunk() throws GuestFault {
    Fid fid = session.fids().get(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    try {
      return xattrs.store(fid);
    } finally {
      session.clunk(fid);
    }
  }

  /** {@code fid[4]}. The fid is gone in any case, so this is no request that a policy refuses. */
  int remove() throws GuestFault {
    Fid fid = session.fids().get(request.u32());
    if (fid == null) {
      return -Errno.EBADF;
    }
    try {
      return session.policy().readOnly() ? -Errno.EROFS : remove(fid);
    } finally {
      session.clunk(fid);
    }
  }

  private int remove(Fid fid) {
    if (fid.attribute() != null) {
      return -Errno.EBADF;
    }
    Place place = fid.place();
    int error = places.findName(place, name);
    if (error < 0) {
      return error;
    }
    long parent = place.directory().node();
    error =
        place.isDirectory()
            ? session.tree().removeDirectory(parent, name)
            : session.tree().unlink(parent, name);
    if (error < 0) {
      return error;
    }
    places.removed(place.directory(), name);
    return 0;
  }
}
