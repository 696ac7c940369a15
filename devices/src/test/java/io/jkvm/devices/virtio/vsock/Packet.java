// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A packet as the guest's driver makes or gets it, with any content. */
record Packet(
    long sourceCid,
    long targetCid,
    int sourcePort,
    int targetPort,
    int length,
    int type,
    int operation,
    int flags,
    int bufAlloc,
    int fwdCnt,
    byte[] payload) {
  static final int HEADER = 44;
  static final int REQUEST = 1;
  static final int RESPONSE = 2;
  static final int RST = 3;
  static final int SHUTDOWN = 4;
  static final int RW = 5;
  static final int CREDIT_UPDATE = 6;
  static final int CREDIT_REQUEST = 7;

  static final int PLENTY = 1 << 20;

  /** From a port of the guest's to one of the host's, with much buffer space. */
  static Packet of(int operation, int guestPort, int hostPort) {
    return new Packet(
        VsockFixture.CID, 2, guestPort, hostPort, 0, 1, operation, 0, PLENTY, 0, new byte[0]);
  }

  static Packet data(int guestPort, int hostPort, byte[] payload) {
    return of(RW, guestPort, hostPort).withPayload(payload);
  }

  Packet withPayload(byte[] newPayload) {
    return new Packet(
        sourceCid,
        targetCid,
        sourcePort,
        targetPort,
        newPayload.length,
        type,
        operation,
        flags,
        bufAlloc,
        fwdCnt,
        newPayload);
  }

  Packet withLength(int newLength) {
    return new Packet(
        sourceCid,
        targetCid,
        sourcePort,
        targetPort,
        newLength,
        type,
        operation,
        flags,
        bufAlloc,
        fwdCnt,
        payload);
  }

  Packet withFlags(int newFlags) {
    return new Packet(
        sourceCid,
        targetCid,
        sourcePort,
        targetPort,
        length,
        type,
        operation,
        newFlags,
        bufAlloc,
        fwdCnt,
        payload);
  }

  Packet withType(int newType) {
    return new Packet(
        sourceCid,
        targetCid,
        sourcePort,
        targetPort,
        length,
        newType,
        operation,
        flags,
        bufAlloc,
        fwdCnt,
        payload);
  }

  Packet withCids(long newSource, long newTarget) {
    return new Packet(
        newSource,
        newTarget,
        sourcePort,
        targetPort,
        length,
        type,
        operation,
        flags,
        bufAlloc,
        fwdCnt,
        payload);
  }

  Packet withCredit(int newBufAlloc, int newFwdCnt) {
    return new Packet(
        sourceCid,
        targetCid,
        sourcePort,
        targetPort,
        length,
        type,
        operation,
        flags,
        newBufAlloc,
        newFwdCnt,
        payload);
  }

  byte[] bytes() {
    return ByteBuffer.allocate(HEADER + payload.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(sourceCid)
        .putLong(targetCid)
        .putInt(sourcePort)
        .putInt(targetPort)
        .putInt(length)
        .putShort((short) type)
        .putShort((short) operation)
        .putInt(flags)
        .putInt(bufAlloc)
        .putInt(fwdCnt)
        .put(payload)
        .array();
  }

  static Packet parse(byte[] bytes) {
    ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return new Packet(
        b.getLong(),
        b.getLong(),
        b.getInt(),
        b.getInt(),
        b.getInt(),
        b.getShort(),
        b.getShort(),
        b.getInt(),
        b.getInt(),
        b.getInt(),
        Arrays.copyOfRange(bytes, HEADER, bytes.length));
  }

  /** For example {@code "RW 5>1000 3 bytes"}: from the host's port to the guest's. */
  @Override
  public String toString() {
    String[] names = {
      "INVALID", "REQUEST", "RESPONSE", "RST", "SHUTDOWN", "RW", "CREDIT_UPDATE", "CREDIT_REQUEST"
    };
    String name = operation >= 0 && operation < names.length ? names[operation] : "?" + operation;
    return name
        + " "
        + Integer.toUnsignedString(sourcePort)
        + ">"
        + Integer.toUnsignedString(targetPort)
        + (flags != 0 ? " flags " + flags : "")
        + (payload.length != 0 ? " " + payload.length + " bytes" : "");
  }
}
