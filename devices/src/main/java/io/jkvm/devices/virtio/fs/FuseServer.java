// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;

/**
 * Answers the requests of one queue (virtio 1.2, section 5.11.6): checks what all have in common,
 * and hands them to those who know the opcode. Any request is taken on any queue. An exception is
 * EIO; an Error goes on to the queue's service, which ends the machine.
 */
final class FuseServer implements RequestHandler {
  private final FuseSession session;
  private final FuseRequest request = new FuseRequest();
  private final FuseReply reply;
  private final MountRequests mount;
  private final NameRequests names;
  private final AttributeRequests attributes;
  private final FileRequests files;
  private final DirectoryRequests directories;
  private final XattrRequests xattrs;

  /**
   * A server for one queue.
   *
   * @param queueSize the most descriptors that a request can have
   */
  FuseServer(FuseSession session, int queueSize) {
    this.session = session;
    reply =
        new FuseReply(
            session.policy().validity().toSeconds(), session.policy().validity().toNanosPart());
    mount = new MountRequests(session, request, reply);
    names = new NameRequests(session, request, reply);
    attributes = new AttributeRequests(session, request, reply);
    files = new FileRequests(session, request, reply, queueSize);
    directories = new DirectoryRequests(session, request, reply);
    xattrs = new XattrRequests(session, request, reply);
  }

  @Override
  public long process(DescriptorChain chain) throws GuestFault {
    request.read(chain);
    reply.begin(chain);
    FuseOpcode opcode = FuseOpcode.of(request.opcode());
    if (opcode != null && opcode.isForget()) {
      if (request.hasWholeLength() && request.bodyBytes() >= opcode.bodyBytes()) {
        answer(opcode);
      }
      return 0;
    }
    if (!reply.hasHeader()) {
      if (request.opcode() == FuseOpcode.INTERRUPT) {
        return 0; // it needs no reply, and the request that it names ends by itself
      }
      throw new GuestFault("file system request without room for the reply's header");
    }
    return reply.finish(request.unique(), opcode == null ? -Errno.ENOSYS : checked(opcode));
  }

  private int checked(FuseOpcode opcode) throws GuestFault {
    if (!request.hasWholeLength()
        || request.bodyBytes() < opcode.bodyBytes()
        || reply.room() < opcode.replyBytes()) {
      return -Errno.EINVAL;
    }
    if (!session.begun() && opcode != FuseOpcode.INIT) {
      return -Errno.EIO;
    }
    if (opcode.changes() && session.policy().readOnly()) {
      return -Errno.EROFS;
    }
    return answer(opcode);
  }

  private int answer(FuseOpcode opcode) throws GuestFault {
    try {
      return dispatch(opcode);
    } catch (RuntimeException e) {
      session.defect(opcode, e);
      return -Errno.EIO;
    }
  }

  /** Returns the length of the payload, or an errno negated. */
  private int dispatch(FuseOpcode opcode) throws GuestFault {
    return switch (opcode) {
      case LOOKUP -> names.lookup();
      case FORGET -> mount.forget();
      case GETATTR -> attributes.getattr();
      case SETATTR -> attributes.setattr();
      case READLINK -> names.readlink();
      case SYMLINK -> names.symlink();
      case MKNOD -> names.mknod();
      case MKDIR -> names.mkdir();
      case UNLINK -> names.unlink();
      case RMDIR -> names.rmdir();
      case RENAME -> names.rename();
      case LINK -> names.link();
      case OPEN -> files.open();
      case READ -> files.read();
      case WRITE -> files.write();
      case STATFS -> mount.statfs();
      case RELEASE -> files.release();
      case FSYNC -> files.fsync();
      case SETXATTR -> xattrs.setxattr();
      case GETXATTR -> xattrs.getxattr();
      case LISTXATTR -> xattrs.listxattr();
      case REMOVEXATTR -> xattrs.removexattr();
      case INIT -> mount.init();
      case OPENDIR -> directories.opendir();
      case READDIR -> directories.readdir(false);
      case RELEASEDIR -> directories.releasedir();
      case FSYNCDIR -> directories.fsyncdir();
      case CREATE -> files.create();
      case DESTROY -> mount.destroy();
      case IOCTL -> attributes.ioctl();
      case BATCH_FORGET -> mount.batchForget();
      case FALLOCATE -> files.fallocate();
      case READDIRPLUS -> directories.readdir(true);
      case RENAME2 -> names.rename2();
      case LSEEK -> files.lseek();
      case COPY_FILE_RANGE -> files.copyFileRange();
      case SYNCFS -> mount.syncfs();
    };
  }
}
