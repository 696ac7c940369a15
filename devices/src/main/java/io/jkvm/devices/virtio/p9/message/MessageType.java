// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.message;

/**
 * The requests that are answered, by their numbers in the protocol, and what each must have. The
 * number of a reply is one more. Any other number is EOPNOTSUPP: so is TAUTH, since who may mount a
 * share is decided where the machine is made.
 */
public enum MessageType {
  TSTATFS(8, 4, 60, false),
  TLOPEN(12, 8, P9Reply.OPEN_BYTES, false),
  TLCREATE(14, 18, P9Reply.OPEN_BYTES, true),
  TSYMLINK(16, 12, P9Reply.QID_BYTES, true),
  TMKNOD(18, 22, P9Reply.QID_BYTES, true),
  TRENAME(20, 10, 0, true),
  TREADLINK(22, 4, 2, false),
  TGETATTR(24, 12, P9Reply.ATTRIBUTES_BYTES, false),
  TSETATTR(26, 60, 0, true),
  TXATTRWALK(30, 10, 8, false),
  TXATTRCREATE(32, 18, 0, true),
  TREADDIR(40, 16, 4, false),
  TFSYNC(50, 8, 0, false),
  TLOCK(52, 31, 1, false),
  TGETLOCK(54, 27, 23, false),
  TLINK(70, 10, 0, true),
  TMKDIR(72, 14, P9Reply.QID_BYTES, true),
  TRENAMEAT(74, 12, 0, true),
  TUNLINKAT(76, 10, 0, true),
  TVERSION(100, 6, 14, false),
  TATTACH(104, 16, P9Reply.QID_BYTES, false),
  TFLUSH(108, 2, 0, false),
  TWALK(110, 10, 2, false),
  TREAD(116, 16, 4, false),
  TWRITE(118, 16, 4, true),
  TCLUNK(120, 4, 0, false),
  TREMOVE(122, 4, 0, false); // it ends the fid also where it removes nothing

  private static final int NUMBERS = 128;
  private static final MessageType[] BY_NUMBER = byNumber();

  private final int number;
  private final int bodyBytes;
  private final int replyBytes;
  private final boolean changes;

  MessageType(int number, int bodyBytes, int replyBytes, boolean changes) {
    this.number = number;
    this.bodyBytes = bodyBytes;
    this.replyBytes = replyBytes;
    this.changes = changes;
  }

  private static MessageType[] byNumber() {
    MessageType[] all = new MessageType[NUMBERS];
    for (MessageType type : values()) {
      all[type.number] = type;
    }
    return all;
  }

  /**
   * The type of a number.
   *
   * @param number 0 to 255
   * @return null if it is not one of these
   */
  public static MessageType of(int number) {
    return number < NUMBERS ? BY_NUMBER[number] : null;
  }

  /** The request's number in the protocol. */
  public int number() {
    return number;
  }

  /** How many bytes must follow the request's header at least, with all strings empty. */
  public int bodyBytes() {
    return bodyBytes;
  }

  /** How many bytes there must be room for behind the reply's header at least. */
  public int replyBytes() {
    return replyBytes;
  }

  /** Whether a read-only share refuses it as a whole. */
  public boolean changes() {
    return changes;
  }
}
