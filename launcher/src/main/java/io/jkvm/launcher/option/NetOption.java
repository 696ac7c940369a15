// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.MacAddress;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtualSwitch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/** The value of {@code --net}: a network card and what it is connected to. */
public final class NetOption {
  private static final String FORMS =
      "user, passt=PATH, tap=NAME[,queues=N], switch=NAME, socket=listen:PATH"
          + " and socket=connect:PATH";
  private static final Set<String> OPTIONS =
      Set.of("mac", "mtu", "pcap", "rate", "loss", "delay", "seed", "queues", "host");
  private static final String OPTION_LIST =
      "mac=, mtu=, pcap=, rate=, loss=, delay=, seed=, with user host= and, with a tap,"
          + " queues=";
  private static final String FILE_START = "(passt|pcap|socket)=.*";

  private final Map<String, VirtualSwitch> switches = new HashMap<>();

  /**
   * Parses the option's value. A file name keeps a comma that is followed by something other than
   * an option.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public CardSpec parse(String text) {
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
    NetworkSpec network = network(parts.get(0), options);
    return new CardSpec(
        network,
        options.containsKey("mac") ? MacOption.parse(options.get("mac")) : MacAddress.random(),
        options.containsKey("mtu")
            ? OptionalInt.of(number("mtu", options.get("mtu"), 68, 65535))
            : OptionalInt.empty(),
        Optional.ofNullable(options.get("pcap")).map(name -> file("pcap=", name)),
        LinkOption.of(options));
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

  private NetworkSpec network(String text, Map<String, String> options) {
    int equals = text.indexOf('=');
    String kind = equals < 0 ? text : text.substring(0, equals);
    String value = equals < 0 ? "" : text.substring(equals + 1);
    if (options.containsKey("queues") && !kind.equals("tap")) {
      throw new IllegalArgumentException(
          "queues= goes with tap=NAME only, not with '" + text + "'; leave it out");
    }
    if (options.containsKey("host") && !kind.equals("user")) {
      throw new IllegalArgumentException(
          "host= goes with user only, not with '" + text + "'; leave it out");
    }
    // Without its "=" nothing but "user" is one of them.
    switch (equals < 0 ? kind : kind + "=") {
      case "user":
        return new NetworkSpec.User(List.of(), reachesHost(options.getOrDefault("host", "yes")));
      case "passt=":
        return new NetworkSpec.Passt(file("passt=", value));
      case "tap=":
        int queues =
            number("queues", options.getOrDefault("queues", "1"), 1, NetworkSpec.Tap.MAX_QUEUES);
        return new NetworkSpec.Tap(value, queues);
      case "switch=":
        if (value.isEmpty()) {
          throw new IllegalArgumentException("switch= names no switch; write switch=lan");
        }
        return new NetworkSpec.Switch(switches.computeIfAbsent(value, VirtualSwitch::new));
      case "socket=":
        if (value.startsWith("listen:")) {
          return new NetworkSpec.Listen(file("socket=listen:", value.substring(7)));
        }
        if (value.startsWith("connect:")) {
          return new NetworkSpec.Connect(file("socket=connect:", value.substring(8)));
        }
        throw new IllegalArgumentException(
            "'" + text + "' says neither socket=listen:PATH nor socket=connect:PATH");
      default:
        throw new IllegalArgumentException("unknown network '" + text + "'; there are " + FORMS);
    }
  }

  private static boolean reachesHost(String text) {
    return switch (text) {
      case "yes" -> true;
      case "no" -> false;
      default -> throw new IllegalArgumentException("host=" + text + " is neither yes nor no");
    };
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
