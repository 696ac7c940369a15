// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.core.lifecycle.LogLimit;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What the driver says on the control transmit queue, number 3; used by that queue's thread alone.
 * Linux holds a spinlock until a message is taken, so nothing here waits for anything.
 */
final class ControlReceiver implements RequestHandler {
  private static final int MAX_LOGGED = 4;

  private final String deviceName;
  private final List<ConsolePort> ports;
  private final ControlSender sender;
  private final LogLimit log = new LogLimit(VirtioConsole.class, MAX_LOGGED);
  private final ByteBuffer header =
      ByteBuffer.allocate(ControlMessage.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  ControlReceiver(String deviceName, List<ConsolePort> ports, ControlSender sender) {
    this.deviceName = deviceName;
    this.ports = ports;
    this.sender = sender;
  }

  /** A message that makes no sense is ignored; only one that is none is a fault. */
  @Override
  public long process(DescriptorChain request) throws GuestFault {
    if (request.writableBytes() != 0 || request.readableBytes() < ControlMessage.BYTES) {
      throw new GuestFault(
          "control message of "
              + request.readableBytes()
              + " bytes to be read, "
              + request.writableBytes()
              + " to be written");
    }
    request.read(0, header, 0, ControlMessage.BYTES);
    long id = Integer.toUnsignedLong(header.getInt(ControlMessage.ID));
    int event = Short.toUnsignedInt(header.getShort(ControlMessage.EVENT));
    boolean yes = header.getShort(ControlMessage.VALUE) != 0;
    if (event == ControlMessage.DEVICE_READY) { // about no port
      if (!yes) {
        log.warn(deviceName, "the guest's driver failed to start");
      }
      sender.deviceReady(yes);
    } else if (id >= ports.size()) {
      log.warn(deviceName, "control message " + event + " about port " + id + " ignored");
    } else if (event == ControlMessage.PORT_READY) {
      if (!yes) {
        log.warn(deviceName, "the guest's driver failed to add port " + id);
      }
      sender.portReady((int) id, yes);
    } else if (event == ControlMessage.PORT_OPEN) {
      ports.get((int) id).guestOpen(yes);
    } else {
      log.warn(deviceName, "control message " + event + " ignored");
    }
    return 0;
  }
}
