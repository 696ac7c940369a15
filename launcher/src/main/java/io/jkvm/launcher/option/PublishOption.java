// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.PublishedPort;
import io.jkvm.machine.spec.PublishedPort.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The value of {@code --publish}: a port of the host that leads to one of the guest. */
public final class PublishOption {
  /** How it is written. */
  public static final String SYNTAX = "[ADDRESS:]PORT:GUESTPORT[/udp]";

  private static final Pattern FORM =
      Pattern.compile("(?:(?:\\[([^\\]]*)\\]|([^:\\[\\]]*)):)?(\\d+):(\\d+)(?:/(tcp|udp))?");

  private PublishOption() {}

  /**
   * Parses one.
   *
   * @throws IllegalArgumentException one line that names the text and what is wrong with it
   */
  public static PublishedPort parse(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "port forward '" + text + "' is not " + SYNTAX + ", as in 127.0.0.1:8080:80");
    }
    String bracketed = parts.group(1);
    String address = bracketed != null ? bracketed : parts.group(2);
    if (address != null && (bracketed != null) != (address.indexOf(':') >= 0)) {
      throw new IllegalArgumentException(
          "port forward '"
              + text
              + "': '"
              + address
              + "' is no address such as 127.0.0.1 or [::1]");
    }
    return new PublishedPort(
        "udp".equals(parts.group(5)) ? Protocol.UDP : Protocol.TCP,
        address == null ? PublishedPort.LOOPBACK : address,
        port(parts.group(3)),
        port(parts.group(4)));
  }

  private static int port(String digits) {
    return digits.length() > 5 ? Integer.MAX_VALUE : Integer.parseInt(digits);
  }

  /**
   * Publishes ports on the first network that is the user's; if there are no cards at all, on one
   * that is added for it.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static List<CardSpec> publish(List<CardSpec> cards, List<PublishedPort> ports) {
    if (ports.isEmpty()) {
      return cards;
    }
    List<CardSpec> result = new ArrayList<>(cards);
    if (result.isEmpty()) {
      result.add(CardSpec.on(NetworkSpec.user()));
    }
    for (int i = 0; i < result.size(); i++) {
      CardSpec card = result.get(i);
      if (card.network() instanceof NetworkSpec.User user) {
        result.set(i, card.withNetwork(new NetworkSpec.User(ports, user.reachesHost())));
        return result;
      }
    }
    throw new IllegalArgumentException(
        "port "
            + ports.get(0).hostPort()
            + " needs a network that it leads through; add --net user");
  }
}
