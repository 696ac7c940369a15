// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.emulation.LinkEmulator;
import io.jkvm.devices.network.passt.PasstBackend;
import io.jkvm.devices.network.passt.RunningPasst;
import io.jkvm.devices.network.pcap.CapturingBackend;
import io.jkvm.devices.network.pcap.PcapWriter;
import io.jkvm.devices.network.stream.StreamBackend;
import io.jkvm.devices.network.stream.StreamListener;
import io.jkvm.devices.network.tap.TapBackend;
import io.jkvm.devices.virtio.net.VirtioNet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Builds network cards, each on what its {@code --net} asks for. */
final class NetworkAssembler implements AutoCloseable {
  private final CloseStack resources;
  private final NamedSwitches switches;
  private final List<NetworkBackend> backends = new ArrayList<>();
  private final List<VirtioNet> cards = new ArrayList<>();

  /**
   * An assembler for one machine.
   *
   * @param resources closes what is opened
   * @param switches those that this machine shares with others
   */
  NetworkAssembler(CloseStack resources, NamedSwitches switches) {
    this.resources = resources;
    this.switches = switches;
  }

  /**
   * Opens what the cards are connected to.
   *
   * @return the cards, not started yet
   * @throws IOException one line saying what is wrong and what to do
   */
  List<VirtioNet> open(List<NetConfig> nets) throws IOException {
    for (NetConfig net : nets) {
      NetworkBackend backend = backend(net);
      OptionalInt mtu = net.mtu().isPresent() ? net.mtu() : backend.mtu();
      backends.add(backend);
      cards.add(new VirtioNet(net.mac(), mtu, backend));
    }
    return cards;
  }

  /**
   * Connects the cards.
   *
   * @throws IOException one line saying what is wrong and what to do
   */
  void start() throws IOException {
    for (VirtioNet card : cards) {
      card.start();
    }
  }

  /** Disconnects the cards: nothing comes from a network any more. */
  @Override
  public void close() {
    backends.forEach(NetworkBackend::close);
  }

  /** The network itself at the bottom, what is done to its frames above, the capture on top. */
  private NetworkBackend backend(NetConfig net) throws IOException {
    NetworkBackend backend = open(net, "net" + cards.size());
    try {
      if (!net.link().isPerfect()) {
        backend = new LinkEmulator(backend, net.link().settings());
      }
      if (net.pcap().isPresent()) {
        backend = new CapturingBackend(backend, PcapWriter.open(net.pcap().get()));
      }
    } catch (IOException | RuntimeException | Error e) {
      backend.close();
      throw e;
    }
    return resources.push(backend);
  }

  private NetworkBackend open(NetConfig net, String name) throws IOException {
    NetPlace place = net.place();
    if (place instanceof NetPlace.User user) {
      return new PasstBackend(name, user.published(), net.mtu());
    }
    if (place instanceof NetPlace.Passt passt) {
      return new RunningPasst(name, passt.socket().toString());
    }
    if (place instanceof NetPlace.Tap tap) {
      return TapBackend.open(tap.name(), tap.queues());
    }
    if (place instanceof NetPlace.Switch named) {
      return switches.get(named.name()).newPort();
    }
    if (place instanceof NetPlace.Listen listen) {
      return new StreamListener(name, listen.socket().toString());
    }
    if (place instanceof NetPlace.Connect connect) {
      return new StreamBackend(name, connect.socket().toString());
    }
    throw new IllegalArgumentException("network " + place);
  }
}
