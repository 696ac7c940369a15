// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;

/** The control queue (virtio 1.2, section 5.1.6.5): parses commands; used by its thread alone. */
final class ControlQueue implements RequestHandler {
  private static final int OK = 0;
  private static final int ERR = 1;

  private static final int CLASS_RX = 0;
  private static final int CLASS_MAC = 1;
  private static final int CLASS_ANNOUNCE = 3;
  private static final int CLASS_MQ = 4;
  private static final int CLASS_GUEST_OFFLOADS = 5;

  private static final int MAC_TABLE_SET = 0;
  private static final int MAC_ADDR_SET = 1;
  private static final int MAC_BYTES = 6;
  private static final int HEADER_BYTES = 2;

  /** Longer tables are answered by taking every frame of the kind. */
  static final int MAX_TABLE_ENTRIES = 64;

  /** What commands do; each tells whether the command makes sense. */
  interface Commands {
    boolean receiveMode(int mode, boolean on);

    /** Null for a table that is too long to be kept. */
    boolean macTables(long[] unicast, long[] multicast);

    boolean mac(long address);

    boolean announced();

    boolean queuePairs(int count);

    /**
     * Changes what the device may leave to the driver.
     *
     * @param features a mask of feature bits
     */
    boolean guestOffloads(long features);
  }

  private final Commands commands;
  private final byte[] bytes = new byte[8];

  ControlQueue(Commands commands) {
    this.commands = commands;
  }

  @Override
  public long process(DescriptorChain request) throws GuestFault {
    if (request.writableBytes() == 0 || request.readableBytes() < HEADER_BYTES) {
      throw new GuestFault("control command without room for an answer, or without a header");
    }
    int kind = number(request, 0, 1);
    int command = number(request, 1, 1);
    bytes[0] = (byte) (execute(kind, command, request) ? OK : ERR);
    request.write(0, bytes, 1);
    return 1;
  }

  private boolean execute(int kind, int command, DescriptorChain request) throws GuestFault {
    long length = request.readableBytes() - HEADER_BYTES;
    switch (kind) {
      case CLASS_RX:
        return command <= ReceiveFilter.NOBCAST
            && length == 1
            && commands.receiveMode(command, number(request, HEADER_BYTES, 1) != 0);
      case CLASS_MAC:
        if (command == MAC_ADDR_SET) {
          return length == MAC_BYTES && commands.mac(address(request, HEADER_BYTES));
        }
        return command == MAC_TABLE_SET && setTables(request, length);
      case CLASS_ANNOUNCE:
        return command == 0 && commands.announced();
      case CLASS_MQ:
        return command == 0 && length == 2 && commands.queuePairs(number(request, HEADER_BYTES, 2));
      case CLASS_GUEST_OFFLOADS:
        if (command != 0 || length != 8) {
          return false;
        }
        request.read(HEADER_BYTES, bytes, 8);
        long features = 0;
        for (int i = 7; i >= 0; i--) {
          features = features << 8 | bytes[i] & 0xff;
        }
        return commands.guestOffloads(features);
      default:
        return false;
    }
  }

  /** Two tables, each a 32-bit count and as many addresses, which must fill the command exactly. */
  private boolean setTables(DescriptorChain request, long length) throws GuestFault {
    if (length < 4) {
      return false;
    }
    long unicast = Integer.toUnsignedLong(number(request, HEADER_BYTES, 4));
    long second = HEADER_BYTES + 4 + MAC_BYTES * unicast;
    if (second + 4 > request.readableBytes()) {
      return false;
    }
    long multicast = Integer.toUnsignedLong(number(request, second, 4));
    if (second + 4 + MAC_BYTES * multicast != request.readableBytes()) {
      return false;
    }
    return commands.macTables(
        table(request, HEADER_BYTES + 4, unicast), table(request, second + 4, multicast));
  }

  private long[] table(DescriptorChain request, long at, long count) throws GuestFault {
    if (count > MAX_TABLE_ENTRIES) {
      return null;
    }
    long[] addresses = new long[(int) count];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = address(request, at + (long) MAC_BYTES * i);
    }
    return addresses;
  }

  private long address(DescriptorChain request, long at) throws GuestFault {
    request.read(at, bytes, MAC_BYTES);
    long address = 0;
    for (int i = 0; i < MAC_BYTES; i++) {
      address = address << 8 | bytes[i] & 0xff;
    }
    return address;
  }

  private int number(DescriptorChain request, long at, int size) throws GuestFault {
    request.read(at, bytes, size);
    int value = 0;
    for (int i = size - 1; i >= 0; i--) {
      value = value << 8 | bytes[i] & 0xff;
    }
    return value;
  }
}
