// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;

/**
 * A network card and what it is connected to.
 *
 * @param network its network
 * @param mac its address
 * @param mtu the largest IP packet that the guest is told of, 68 to 65535 bytes; empty for the
 *     network's own
 * @param capture a pcap file that gets a copy of all frames
 * @param link what is done to the frames
 */
public record CardSpec(
    NetworkSpec network, MacAddress mac, OptionalInt mtu, Optional<Path> capture, LinkSpec link) {
  private static final int MIN_MTU = 68;
  private static final int MAX_MTU = 65535;

  /**
   * Checks that it is whole.
   *
   * @throws MachineException with {@link Problem#NETWORK}
   */
  public CardSpec {
    if (network == null) {
      throw new MachineException(Problem.NETWORK, "a network card without a network");
    }
    if (mac == null || mtu == null || capture == null || link == null) {
      throw new MachineException(Problem.NETWORK, "a network card with a part that is null");
    }
    if (mtu.isPresent() && (mtu.getAsInt() < MIN_MTU || mtu.getAsInt() > MAX_MTU)) {
      throw new MachineException(
          Problem.NETWORK, "an MTU of " + mtu.getAsInt() + " is not one from 68 to 65535");
    }
  }

  /** A card with a random address, on a network that is left as it is. */
  public static CardSpec on(NetworkSpec network) {
    return new CardSpec(
        network, MacAddress.random(), OptionalInt.empty(), Optional.empty(), LinkSpec.PERFECT);
  }

  /** The same with another address. */
  public CardSpec withMac(MacAddress newMac) {
    return new CardSpec(network, newMac, mtu, capture, link);
  }

  /** The same on another network. */
  public CardSpec withNetwork(NetworkSpec newNetwork) {
    return new CardSpec(newNetwork, mac, mtu, capture, link);
  }

  /** The same, whose capture is opened by another path. */
  CardSpec openedBy(UnaryOperator<Path> path) {
    return new CardSpec(network, mac, mtu, capture.map(path), link);
  }

  /** The same with another link. */
  public CardSpec withLink(LinkSpec newLink) {
    return new CardSpec(network, mac, mtu, capture, newLink);
  }
}
