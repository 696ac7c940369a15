// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

/**
 * The requests that are answered, by their numbers in the protocol, and what each must have. Any
 * other number is ENOSYS, which tells the guest's kernel not to ask again: so are locks (the
 * guest's own ones do), ACCESS (its kernel checks), FLUSH (nothing is held back), BMAP and POLL.
 */
enum FuseOpcode {
  LOOKUP(1, 1, FuseReply.ENTRY_BYTES, false),
  FORGET(2, 8, 0, false),
  GETATTR(3, 0, FuseReply.ATTRIBUTES_BYTES, false),
  SETATTR(4, 88, FuseReply.ATTRIBUTES_BYTES, true),
  READLINK(5, 0, 1, false),
  SYMLINK(6, 1, FuseReply.ENTRY_BYTES, true),
  MKNOD(8, 16, FuseReply.ENTRY_BYTES, true),
  MKDIR(9, 8, FuseReply.ENTRY_BYTES, true),
  UNLINK(10, 1, 0, true),
  RMDIR(11, 1, 0, true),
  RENAME(12, 8, 0, true),
  LINK(13, 8, FuseReply.ENTRY_BYTES, true),
  OPEN(14, 8, FuseReply.OPEN_BYTES, false),
  READ(15, 40, 0, false),
  WRITE(16, 40, FuseReply.WRITE_BYTES, true),
  STATFS(17, 0, FuseReply.STATISTICS_BYTES, false),
  RELEASE(18, 24, 0, false),
  FSYNC(20, 16, 0, false),
  SETXATTR(21, 8, 0, true),
  GETXATTR(22, 8, 0, false),
  LISTXATTR(23, 8, 0, false),
  REMOVEXATTR(24, 1, 0, true),
  INIT(26, 8, FuseReply.OLD_INIT_BYTES, false),
  OPENDIR(27, 8, FuseReply.OPEN_BYTES, false),
  READDIR(28, 40, 0, false),
  RELEASEDIR(29, 24, 0, false),
  FSYNCDIR(30, 16, 0, false),
  CREATE(35, 16, FuseReply.ENTRY_BYTES + FuseReply.OPEN_BYTES, true),
  DESTROY(38, 0, 0, false),
  IOCTL(39, 32, 0, false),
  BATCH_FORGET(42, 8, 0, false),
  FALLOCATE(43, 32, 0, true),
  READDIRPLUS(44, 40, 0, false),
  RENAME2(45, 16, 0, true),
  LSEEK(46, 24, 8, false),
  COPY_FILE_RANGE(47, 56, FuseReply.WRITE_BYTES, true),
  SYNCFS(50, 8, 0, false);

  /** FUSE_INTERRUPT, which is ENOSYS too, but may come without room for a reply. */
  static final int INTERRUPT = 36;

  private static final int NUMBERS = 64;
  private static final FuseOpcode[] BY_NUMBER = byNumber();

  private final int number;
  private final int bodyBytes;
  private final int replyBytes;
  private final boolean changes;

  FuseOpcode(int number, int bodyBytes, int replyBytes, boolean changes) {
    this.number = number;
    this.bodyBytes = bodyBytes;
    this.replyBytes = replyBytes;
    this.changes = changes;
  }

  private static FuseOpcode[] byNumber() {
    FuseOpcode[] all = new FuseOpcode[NUMBERS];
    for (FuseOpcode opcode : values()) {
      all[opcode.number] = opcode;
    }
    return all;
  }

  /** The opcode of a number that may be anything; null if it is not one of these. */
  static FuseOpcode of(int number) {
    return number >= 0 && number < NUMBERS ? BY_NUMBER[number] : null;
  }

  int number() {
    return number;
  }

  /** How many bytes must follow the request's header at least. */
  int bodyBytes() {
    return bodyBytes;
  }

  /** How many bytes there must be room for behind the reply's header at least. */
  int replyBytes() {
    return replyBytes;
  }

  /** Whether a read-only share refuses it as a whole. */
  boolean changes() {
    return changes;
  }

  /** Whether the driver expects no reply. */
  boolean isForget() {
    return this == FORGET || this == BATCH_FORGET;
  }
}
