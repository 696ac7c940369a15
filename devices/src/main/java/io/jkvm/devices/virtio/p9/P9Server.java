// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.p9.message.MessageType;
import io.jkvm.devices.virtio.p9.message.P9Reply;
import io.jkvm.devices.virtio.p9.message.P9Request;
import io.jkvm.devices.virtio.p9.session.P9Session;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;

/**
 * Answers the requests of the queue: checks what all have in common, and hands them to those who
 * know the type. An exception is EIO; an Error goes on to the queue's service, which ends the
 * machine.
 */
final class P9Server implements RequestHandler {
  private final P9Session session;
  private final String name;
  private final LogLimit log;
  private final P9Request request = new P9Request();
  private final P9Reply reply = new P9Reply();
  private final MountRequests mount;
  private final FidRequests fids;
  private final NameRequests names;
  private final AttributeRequests attributes;
  private final FileRequests files;
  private final DirectoryRequests directories;
  private final XattrRequests xattrs;
  private final LockRequests locks;

  /**
   * A server.
   *
   * @param queueSize the most descriptors that a request can have
   * @param name of the device, for messages
   */
  P9Server(P9Session session, int queueSize, String name, LogLimit log) {
    this.session = session;
    this.name = name;
    this.log = log;
    mount = new MountRequests(session, request, reply);
    names = new NameRequests(session, request, reply);
    attributes = new AttributeRequests(session, request, reply);
    directories = new DirectoryRequests(session, request, reply);
    xattrs = new XattrRequests(session, request, reply);
    fids = new FidRequests(session, request, reply, xattrs);
    files = new FileRequests(session, request, reply, xattrs, queueSize);
    locks = new LockRequests(session, request, reply);
  }

  @Override
  public long process(DescriptorChain chain) throws GuestFault {
    int maxBytes = Math.max(session.maxBytes(), MountRequests.MIN_BYTES);
    request.read(chain);
    reply.begin(chain, maxBytes);
    MessageType type = MessageType.of(request.type());
    int result = type == null ? -Errno.EOPNOTSUPP : checked(type, maxBytes);
    return reply.finish(request.type(), request.tag(), result);
  }

  private int checked(MessageType type, int maxBytes) throws GuestFault {
    if (!request.hasWholeSize(maxBytes)
        || request.remaining() < type.bodyBytes()
        || reply.room() < type.replyBytes()) {
      return -Errno.EINVAL;
    }
    if (session.maxBytes() == 0 && type != MessageType.TVERSION) {
      return -Errno.EPROTO;
    }
    if (type.changes() && session.policy().readOnly()) {
      return -Errno.EROFS;
    }
    try {
      return dispatch(type);
    } catch (RuntimeException e) {
      log.warn(name, type + ": " + e);
      return -Errno.EIO;
    }
  }

  /** Returns the length of the payload, or an errno negated. */
  private int dispatch(MessageType type) throws GuestFault {
    return switch (type) {
      case TSTATFS -> mount.statfs();
      case TLOPEN -> files.lopen();
      case TLCREATE -> files.lcreate();
      case TSYMLINK -> names.symlink();
      case TMKNOD -> names.mknod();
      case TRENAME -> names.rename();
      case TREADLINK -> names.readlink();
      case TGETATTR -> attributes.getattr();
      case TSETATTR -> attributes.setattr();
      case TXATTRWALK -> xattrs.xattrwalk();
      case TXATTRCREATE -> xattrs.xattrcreate();
      case TREADDIR -> directories.readdir();
      case TFSYNC -> files.fsync();
      case TLOCK -> locks.lock();
      case TGETLOCK -> locks.getlock();
      case TLINK -> names.link();
      case TMKDIR -> names.mkdir();
      case TRENAMEAT -> names.renameat();
      case TUNLINKAT -> names.unlinkat();
      case TVERSION -> mount.version();
      case TATTACH -> mount.attach();
      case TFLUSH -> mount.flush();
      case TWALK -> fids.walk();
      case TREAD -> files.read();
      case TWRITE -> files.write();
      case TCLUNK -> fids.clunk();
      case TREMOVE -> fids.remove();
    };
  }
}
