// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.console;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.virtio.ConfigSpace;
import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.VirtioType;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.QueueService;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A console device (virtio 1.2, section 5.3): ports, each a stream of bytes both ways, with names,
 * ends that open and close, and, for those that are consoles, sizes.
 *
 * <p>Port 0 has the queues 0 (to the guest) and 1, port n after it 2n+2 and 2n+3; the queues 2 and
 * 3 are for control messages. A driver that does not take {@link #F_MULTIPORT} has port 0 only, as
 * a console, and no control messages.
 *
 * <p>Each queue from the guest has a thread, and so has control queue 2; the queues to the guest
 * are filled by the host's threads, with their queue's monitor held. No lock is held while {@link
 * PortHost} is called.
 */
public final class VirtioConsole implements VirtioDevice {
  /** VIRTIO_CONSOLE_F_SIZE: the configuration has the size of port 0's window. */
  public static final long F_SIZE = 1;

  /** VIRTIO_CONSOLE_F_MULTIPORT: there are control queues, and may be several ports. */
  public static final long F_MULTIPORT = 1 << 1;

  /** The most ports: each has a thread, and 256 KiB of a Linux guest's memory. */
  public static final int MAX_PORTS = 31;

  private static final int CONTROL_TO_GUEST = 2;
  private static final int CONTROL_FROM_GUEST = 3;
  private static final int DATA_QUEUE_SIZE = 64;
  private static final int CONTROL_QUEUE_SIZE = 32;

  private final String name;
  private final List<ConsolePort> ports;
  private final ControlSender sender;
  private final ControlReceiver receiver;
  private final ConsoleConfig config;
  private final long offered;
  private volatile Runnable configChanged = () -> {};

  /**
   * A device whose ports are closed at the host's end.
   *
   * @param name for logs and threads
   * @param specs the ports, 1 to {@link #MAX_PORTS}, no two with the same name
   */
  public VirtioConsole(String name, List<PortSpec> specs) {
    if (specs.isEmpty() || specs.size() > MAX_PORTS) {
      throw new IllegalArgumentException(specs.size() + " ports");
    }
    Set<String> names = new HashSet<>();
    for (PortSpec spec : specs) {
      if (!spec.name().isEmpty() && !names.add(spec.name())) {
        throw new IllegalArgumentException("two ports with the name " + spec.name());
      }
    }
    this.name = "virtio-console " + name;
    sender = new ControlSender(specs);
    List<ConsolePort> made = new ArrayList<>();
    for (PortSpec spec : specs) {
      Runnable resized = made.isEmpty() ? () -> configChanged.run() : () -> {};
      made.add(new ConsolePort(made.size(), spec, this.name, sender, resized));
    }
    ports = List.copyOf(made);
    receiver = new ControlReceiver(this.name, ports, sender);
    config = new ConsoleConfig(ports.size(), () -> sender.size(0));
    offered = F_MULTIPORT | (specs.stream().anyMatch(PortSpec::console) ? F_SIZE : 0);
    for (int i = 0; i < ports.size(); i++) {
      specs.get(i).host().attach(ports.get(i));
    }
  }

  /** The ports, in the order of their specifications. */
  public List<ConsolePort> ports() {
    return ports;
  }

  @Override
  public VirtioType type() {
    return VirtioType.CONSOLE;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long features() {
    return offered;
  }

  @Override
  public int[] queueSizes() {
    int[] sizes = new int[2 * ports.size() + 2];
    Arrays.fill(sizes, DATA_QUEUE_SIZE);
    sizes[CONTROL_TO_GUEST] = CONTROL_QUEUE_SIZE;
    sizes[CONTROL_FROM_GUEST] = CONTROL_QUEUE_SIZE;
    return sizes;
  }

  @Override
  public ConfigSpace config() {
    return config;
  }

  @Override
  public void attach(Runnable changed) {
    configChanged = changed;
  }

  @Override
  public void activate(long negotiated) {
    if ((negotiated & F_MULTIPORT) == 0) {
      ports.get(0).guestOpen(true);
    }
  }

  @Override
  public void reset() {
    sender.reset();
    ports.forEach(port -> port.guestOpen(false));
  }

  @Override
  public QueueService serve(int queue, ActiveQueue rings, long negotiated) {
    if (queue >= CONTROL_TO_GUEST && (negotiated & F_MULTIPORT) == 0) {
      return new SequentialService(
          rings,
          request -> {
            throw new GuestFault("request in queue " + queue + ", which was not negotiated");
          });
    }
    if (queue == CONTROL_TO_GUEST) {
      return sender.serve(rings);
    }
    if (queue == CONTROL_FROM_GUEST) {
      return new SequentialService(rings, receiver);
    }
    ConsolePort port = ports.get(queue < CONTROL_TO_GUEST ? 0 : queue / 2 - 1);
    return queue % 2 == 0 ? port.input().serve(rings) : port.output().serve(rings);
  }
}
