// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.emulation.LinkEmulator;
import io.jkvm.devices.network.emulation.LinkQuality;
import io.jkvm.devices.network.passt.PasstBackend;
import io.jkvm.devices.network.passt.PortForward;
import io.jkvm.devices.network.passt.RunningPasst;
import io.jkvm.devices.network.pcap.CapturingBackend;
import io.jkvm.devices.network.pcap.PcapWriter;
import io.jkvm.devices.network.stream.StreamBackend;
import io.jkvm.devices.network.stream.StreamListener;
import io.jkvm.devices.network.tap.TapBackend;
import io.jkvm.devices.virtio.net.VirtioNet;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.LinkSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.PublishedPort;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Opens the networks of a machine and builds its cards. */
final class NetworkAssembler {
  private final String machineName;
  private final CloseStack resources;
  private final List<VirtioNet> cards = new ArrayList<>();

  /**
   * An assembler for one machine.
   *
   * @param machineName for the names of threads
   * @param resources closes what is opened
   */
  NetworkAssembler(String machineName, CloseStack resources) {
    this.machineName = machineName;
    this.resources = resources;
  }

  /**
   * Opens what the cards are connected to.
   *
   * @return the cards, not started yet
   * @throws MachineException one line saying what is wrong
   */
  List<VirtioNet> open(List<CardSpec> specs) {
    for (CardSpec card : specs) {
      NetworkBackend backend;
      try {
        backend = backend(card);
        OptionalInt mtu = card.mtu().isPresent() ? card.mtu() : backend.mtu();
        cards.add(new VirtioNet(card.mac().value(), mtu, backend));
      } catch (IOException | RuntimeException e) {
        throw Problems.backend(Problem.NETWORK_FAILED, "network card " + cards.size(), e);
      }
    }
    return cards;
  }

  /**
   * Connects the cards.
   *
   * @throws MachineException one line saying what is wrong
   */
  void start() {
    for (VirtioNet card : cards) {
      try {
        card.start();
      } catch (IOException | RuntimeException e) {
        throw Problems.backend(Problem.NETWORK_FAILED, card.name(), e);
      }
    }
  }

  /** The network itself at the bottom, what is done to its frames above, the capture on top. */
  private NetworkBackend backend(CardSpec card) throws IOException {
    String name = machineName + "/net" + cards.size();
    NetworkBackend backend = open(card, name);
    try {
      if (!card.link().isPerfect()) {
        backend = new LinkEmulator(name, backend, quality(card.link()));
      }
      if (card.capture().isPresent()) {
        backend = new CapturingBackend(backend, PcapWriter.open(card.capture().get()));
      }
    } catch (IOException | RuntimeException | Error e) {
      backend.close();
      throw e;
    }
    return resources.push(Layer.NETWORKS, backend);
  }

  private static LinkQuality quality(LinkSpec link) {
    return new LinkQuality(
        link.bitsPerSecond().orElse(0),
        link.loss(),
        link.delay().toNanos(),
        link.seed().orElseGet(System::nanoTime));
  }

  private static NetworkBackend open(CardSpec card, String name) throws IOException {
    NetworkSpec network = card.network();
    if (network instanceof NetworkSpec.User user) {
      List<PortForward> forwards = new ArrayList<>();
      for (PublishedPort port : user.published()) {
        forwards.add(
            new PortForward(
                PortForward.Protocol.valueOf(port.protocol().name()),
                port.address(),
                port.hostPort(),
                port.guestPort()));
      }
      return new PasstBackend(name, forwards, card.mtu(), user.reachesHost());
    }
    if (network instanceof NetworkSpec.Passt passt) {
      return new RunningPasst(name, passt.socket().toString());
    }
    if (network instanceof NetworkSpec.Tap tap) {
      return TapBackend.open(name, tap.name(), tap.queues());
    }
    if (network instanceof NetworkSpec.Switch port) {
      return port.network().newPort();
    }
    if (network instanceof NetworkSpec.Listen listen) {
      return new StreamListener(name, listen.socket().toString());
    }
    if (network instanceof NetworkSpec.Connect connect) {
      return new StreamBackend(name, connect.socket().toString());
    }
    return ((NetworkSpec.Custom) network).factory().open();
  }
}
