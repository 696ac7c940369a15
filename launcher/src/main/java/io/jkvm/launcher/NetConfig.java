// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.devices.network.passt.PortForward;
import io.jkvm.devices.network.tap.TapBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * One {@code --net}: a network card and what it is connected to.
 *
 * @param mac the card's address, 48 bits, the first byte the highest
 * @param mtu the largest IP packet that the guest is told of, 68 to 65535 bytes, if given
 * @param pcap a file that gets a copy of all frames, if given
 */
record NetConfig(NetPlace place, long mac, OptionalInt mtu, Optional<Path> pcap, LinkConfig link) {
  private static final Set<String> OPTIONS =
      Set.of("mac", "mtu", "pcap", "rate", "loss", "delay", "seed", "queues");
  private static final String OPTION_LIST =
      "mac=, mtu=, pcap=, rate=, loss=, delay=, seed= and, with a tap, queues=";
  private static final String FILE_START = "(passt|pcap|socket)=.*";

  /**
   * Parses the option's value. A file name keeps a comma that is followed by something other than
   * an option.
   *
   * @param defaultMac the card's address without {@code mac=}
   * @throws IllegalArgumentException saying what is wrong
   */
  static NetConfig parse(String text, long defaultMac) {
    List<String> parts = split(text);
    Map<String, String> options = new LinkedHashMap<>();
    for (String part : parts.subList(1, parts.size())) {
      int equals = part.indexOf('=');
      String name = equals < 0 ? "" : part.substring(0, equals);
      if (!OPTIONS.contains(name)) {
        throw new IllegalArgumentException(
            "unknown option '" + part + "' in '" + text + "'; there are " + OPTION_LIST);
      }
      if (options.put(name, part.substring(equals + 1)) != null) {
        throw new IllegalArgumentException(name + "= is in '" + text + "' twice; give it once");
      }
    }
    NetPlace place = place(parts.get(0), options);
    return new NetConfig(
        place,
        options.containsKey("mac") ? MacAddress.parse(options.get("mac")) : defaultMac,
        options.containsKey("mtu")
            ? OptionalInt.of(number("mtu", options.get("mtu"), 68, 65535))
            : OptionalInt.empty(),
        Optional.ofNullable(options.get("pcap")).map(name -> file("pcap=", name)),
        LinkConfig.of(options));
  }

  /**
   * Adds ports of the host that lead into the guest to the first network of the user's; if there
   * are no cards at all, to one that is added for it.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  static List<NetConfig> publish(List<NetConfig> nets, List<String> ports) {
    if (ports.isEmpty()) {
      return nets;
    }
    List<PortForward> forwards = ports.stream().map(PortForward::parse).toList();
    PortForward.checkDistinct(forwards);
    List<NetConfig> result = new ArrayList<>(nets);
    if (result.isEmpty()) {
      result.add(parse("user", MacAddress.random()));
    }
    for (int i = 0; i < result.size(); i++) {
      NetConfig net = result.get(i);
      if (net.place() instanceof NetPlace.User) {
        NetPlace place = new NetPlace.User(forwards);
        result.set(i, new NetConfig(place, net.mac, net.mtu, net.pcap, net.link));
        return result;
      }
    }
    throw new IllegalArgumentException(
        "'" + ports.get(0) + "' needs a network that it leads through; add --net user");
  }

  /**
   * Refuses what two cards can't have in common: a capture file, an address, a tap.
   *
   * @throws IllegalArgumentException saying what is there twice
   */
  static List<NetConfig> checkDistinct(List<NetConfig> nets) {
    Set<Object> seen = new HashSet<>();
    for (NetConfig net : nets) {
      net.pcap
          .map(file -> file.toAbsolutePath().normalize())
          .ifPresent(file -> require(seen.add(file), "pcap=" + file));
      require(seen.add(net.mac), "mac=" + MacAddress.format(net.mac));
      if (net.place instanceof NetPlace.Tap tap) {
        require(seen.add(tap.name()), "tap=" + tap.name());
      }
      if (net.place instanceof NetPlace.Listen listen) {
        Path socket = listen.socket().toAbsolutePath().normalize();
        require(seen.add(socket), "socket=listen:" + socket);
      }
    }
    return nets;
  }

  private static void require(boolean first, String what) {
    if (!first) {
      throw new IllegalArgumentException(what + " is given for two cards; each needs its own");
    }
  }

  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    for (String segment : text.split(",", -1)) {
      int last = parts.size() - 1;
      String joined = last < 0 ? segment : parts.get(last) + "," + segment;
      if (last >= 0 && parts.get(last).matches(FILE_START) && belongsToName(joined, segment)) {
        parts.set(last, joined);
      } else {
        parts.add(segment);
      }
    }
    return parts;
  }

  private static boolean belongsToName(String joined, String segment) {
    if (!segment.matches("[a-z]+(=.*)?")) {
      return true;
    }
    String file = joined.replaceFirst("^[a-z]+=(listen:|connect:)?", "");
    return !OPTIONS.contains(segment.replaceFirst("=.*", "")) && Files.exists(Path.of(file));
  }

  private static NetPlace place(String text, Map<String, String> options) {
    int equals = text.indexOf('=');
    String kind = equals < 0 ? text : text.substring(0, equals);
    String value = equals < 0 ? "" : text.substring(equals + 1);
    if (options.containsKey("queues") && !kind.equals("tap")) {
      throw new IllegalArgumentException(
          "queues= goes with tap=NAME only, not with '" + text + "'; leave it out");
    }
    // Without its "=" nothing but "user" is one of them.
    switch (equals < 0 ? kind : kind + "=") {
      case "user":
        return new NetPlace.User(List.of());
      case "passt=":
        return new NetPlace.Passt(file("passt=", value));
      case "tap=":
        int queues =
            number("queues", options.getOrDefault("queues", "1"), 1, TapBackend.MAX_QUEUES);
        return new NetPlace.Tap(TapBackend.checkName(value), queues);
      case "switch=":
        if (value.isEmpty()) {
          throw new IllegalArgumentException("switch= names no switch; write switch=lan");
        }
        return new NetPlace.Switch(value);
      case "socket=":
        if (value.startsWith("listen:")) {
          return new NetPlace.Listen(file("socket=listen:", value.substring(7)));
        }
        if (value.startsWith("connect:")) {
          return new NetPlace.Connect(file("socket=connect:", value.substring(8)));
        }
        throw new IllegalArgumentException(
            "'" + text + "' says neither socket=listen:PATH nor socket=connect:PATH");
      default:
        throw new IllegalArgumentException(
            "unknown network '" + text + "'; there are " + NetPlace.FORMS);
    }
  }

  private static Path file(String option, String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException(option + " names no file");
    }
    return Path.of(name);
  }

  private static int number(String option, String text, int least, int most) {
    int number = text.matches("\\d{1,9}") ? Integer.parseInt(text) : -1;
    if (number < least || number > most) {
      throw new IllegalArgumentException(
          option + "=" + text + " is not a number from " + least + " to " + most);
    }
    return number;
  }
}
