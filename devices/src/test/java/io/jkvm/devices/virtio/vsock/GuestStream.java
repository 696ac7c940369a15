// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.vsock;

import io.jkvm.core.memory.GuestFault;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;

/**
 * The guest's end of the connection from port 1000 to 5, which keeps to the credit both ways: sends
 * what it has, reads what it gets a little late, and checks that the device keeps to it too.
 */
final class GuestStream {
  private final VsockFixture guest;
  private final byte[] output;
  private final int bufferBytes;
  private final Random random;
  private final ByteArrayOutputStream read = new ByteArrayOutputStream();

  private int sent;
  private int received;
  private int forwarded;
  private int hostBuffer = -1;
  private int hostForwarded;

  /** How often the device had to be waited for. */
  private boolean blocked;

  GuestStream(VsockFixture guest, byte[] output, int bufferBytes, long seed) {
    this.guest = guest;
    this.output = output;
    this.bufferBytes = bufferBytes;
    random = new Random(seed);
  }

  /** Connects. */
  void open() throws GuestFault {
    send(Packet.of(Packet.REQUEST, 1000, 5));
    Packet response = guest.next();
    if (response.operation() != Packet.RESPONSE) {
      throw new AssertionError(response.toString());
    }
    credit(response);
  }

  private void credit(Packet packet) {
    hostBuffer = packet.bufAlloc();
    hostForwarded = packet.fwdCnt();
  }

  private void send(Packet packet) throws GuestFault {
    guest.add(packet.withCredit(bufferBytes, forwarded));
  }

  boolean done(int expected) {
    return sent == output.length && read.size() == expected;
  }

  byte[] read() {
    return read.toByteArray();
  }

  int sent() {
    return sent;
  }

  int readBytes() {
    return read.size();
  }

  /** Does one thing that is to be done; false if there is none. */
  boolean step() throws GuestFault {
    if (guest.hasPacket()) {
      take(guest.next());
      return true;
    }
    if (!guest.taken()) {
      return false;
    }
    if (forwarded != received && random.nextInt(4) == 0) {
      forwarded = received;
      send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5));
      return true;
    }
    int free = hostBuffer - (sent - hostForwarded);
    if (free < 0) {
      throw new AssertionError("credit taken back");
    }
    int length = Math.min(Math.min(free, output.length - sent), 1 + random.nextInt(5000));
    if (length > 0) {
      blocked = false;
      send(Packet.data(1000, 5, Arrays.copyOfRange(output, sent, sent + length)));
      sent += length;
      return true;
    }
    if (sent < output.length && !blocked && random.nextInt(100) == 0) {
      blocked = true;
      send(Packet.of(Packet.CREDIT_REQUEST, 1000, 5));
      return true;
    }
    return false;
  }

  private void take(Packet packet) throws GuestFault {
    credit(packet);
    switch (packet.operation()) {
      case Packet.RW:
        received += packet.length();
        if (received - forwarded > bufferBytes) {
          throw new AssertionError(received - forwarded + " bytes in " + bufferBytes);
        }
        read.writeBytes(packet.payload());
        break;
      case Packet.CREDIT_REQUEST:
        forwarded = received;
        guest.awaitTaken();
        send(Packet.of(Packet.CREDIT_UPDATE, 1000, 5));
        break;
      case Packet.CREDIT_UPDATE:
        break;
      default:
        throw new AssertionError(packet.toString());
    }
  }
}
