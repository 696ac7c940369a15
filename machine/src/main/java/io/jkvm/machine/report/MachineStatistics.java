// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.report;

import java.util.List;

/**
 * What a machine has done since it was made.
 *
 * @param consoleBytes how many bytes the guest has printed on its serial console
 * @param cards the frames of each network card, in the order of the specification
 */
public record MachineStatistics(long consoleBytes, List<Card> cards) {
  /** Takes a copy of the list. */
  public MachineStatistics {
    cards = List.copyOf(cards);
  }

  /**
   * The frames of a network card.
   *
   * @param received given to the guest
   * @param receiveDropped not given to the guest, for lack of buffers or because they were not fit
   * @param sent given to the network
   * @param sendDropped not taken by the network, or malformed
   */
  public record Card(long received, long receiveDropped, long sent, long sendDropped) {}
}
