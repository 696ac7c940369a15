// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** struct virtio_vsock_hdr (virtio 1.2, section 5.10.6), little-endian, used again and again. */
final class PacketHeader {
  /** The length of what each packet begins with. */
  static final int BYTES = 44;

  /** VIRTIO_VSOCK_TYPE_STREAM. */
  static final int STREAM = 1;

  // Operations.
  static final int REQUEST = 1;
  static final int RESPONSE = 2;
  static final int RST = 3;
  static final int SHUTDOWN = 4;
  static final int RW = 5;
  static final int CREDIT_UPDATE = 6;
  static final int CREDIT_REQUEST = 7;

  /** Flags of SHUTDOWN: who sends it does not receive any more, or does not send. */
  static final int NO_RECEIVE = 1;

  static final int NO_SEND = 2;

  private static final int SOURCE_CID = 0;
  private static final int TARGET_CID = 8;
  private static final int SOURCE_PORT = 16;
  private static final int TARGET_PORT = 20;
  private static final int LENGTH = 24;
  private static final int TYPE = 28;
  private static final int OPERATION = 30;
  private static final int FLAGS = 32;
  private static final int BUF_ALLOC = 36;
  private static final int FWD_CNT = 40;

  private final ByteBuffer bytes = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /** Copies the header of a packet of the guest's. */
  void read(DescriptorChain packet) throws GuestFault {
    packet.read(0, bytes, 0, BYTES);
  }

  void write(DescriptorChain packet) throws GuestFault {
    packet.write(0, bytes, 0, BYTES);
  }

  /** Fills in the addresses of a packet for the guest, and everything else with 0. */
  void address(long guestCid, int hostPort, int guestPort) {
    bytes.putLong(SOURCE_CID, VirtioVsock.HOST_CID);
    bytes.putLong(TARGET_CID, guestCid);
    bytes.putInt(SOURCE_PORT, hostPort);
    bytes.putInt(TARGET_PORT, guestPort);
    for (int at = LENGTH; at < BYTES; at += Integer.BYTES) {
      bytes.putInt(at, 0);
    }
  }

  void operation(int type, int operation, int flags, int length) {
    bytes.putShort(TYPE, (short) type);
    bytes.putShort(OPERATION, (short) operation);
    bytes.putInt(FLAGS, flags);
    bytes.putInt(LENGTH, length);
  }

  void credit(int bufAlloc, int fwdCnt) {
    bytes.putInt(BUF_ALLOC, bufAlloc);
    bytes.putInt(FWD_CNT, fwdCnt);
  }

  boolean isBetween(long sourceCid, long targetCid) {
    return bytes.getLong(SOURCE_CID) == sourceCid && bytes.getLong(TARGET_CID) == targetCid;
  }

  int sourcePort() {
    return bytes.getInt(SOURCE_PORT);
  }

  int targetPort() {
    return bytes.getInt(TARGET_PORT);
  }

  /** The length of the payload, unsigned. */
  long length() {
    return Integer.toUnsignedLong(bytes.getInt(LENGTH));
  }

  int type() {
    return Short.toUnsignedInt(bytes.getShort(TYPE));
  }

  int operation() {
    return Short.toUnsignedInt(bytes.getShort(OPERATION));
  }

  int flags() {
    return bytes.getInt(FLAGS);
  }

  int bufAlloc() {
    return bytes.getInt(BUF_ALLOC);
  }

  int fwdCnt() {
    return bytes.getInt(FWD_CNT);
  }
}
