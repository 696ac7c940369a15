// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.LinkSpec;
import io.jkvm.machine.spec.MacAddress;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.PublishedPort;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class NetOptionTest {
  private static CardSpec parse(String text) {
    return new NetOption().parse(text);
  }

  private static List<CardSpec> publish(List<CardSpec> cards, String... ports) {
    return PublishOption.publish(cards, Stream.of(ports).map(PublishOption::parse).toList());
  }

  static Stream<Arguments> readsTheNetwork() {
    return Stream.of(
        Arguments.of("user", new NetworkSpec.User(List.of())),
        Arguments.of("user,host=no", new NetworkSpec.User(List.of(), false)),
        Arguments.of(
            "passt=/run/passt.socket", new NetworkSpec.Passt(Path.of("/run/passt.socket"))),
        Arguments.of("passt=a,b.sock", new NetworkSpec.Passt(Path.of("a,b.sock"))),
        Arguments.of("tap=tap0", new NetworkSpec.Tap("tap0", 1)),
        Arguments.of("tap=tap0,queues=16", new NetworkSpec.Tap("tap0", 16)),
        Arguments.of("tap=tap0,mtu=1500,queues=2", new NetworkSpec.Tap("tap0", 2)),
        Arguments.of("socket=listen:/tmp/s", new NetworkSpec.Listen(Path.of("/tmp/s"))),
        Arguments.of("socket=connect:a:b", new NetworkSpec.Connect(Path.of("a:b"))),
        Arguments.of("socket=connect:a,B,mtu=68", new NetworkSpec.Connect(Path.of("a,B"))));
  }

  @ParameterizedTest
  @MethodSource
  void readsTheNetwork(String text, NetworkSpec network) {
    assertEquals(network, parse(text).network());
  }

  @Test
  void cardsMeetOnASwitchOfOneName() {
    NetOption parser = new NetOption();
    NetworkSpec.Switch lan = (NetworkSpec.Switch) parser.parse("switch=lan").network();
    assertEquals("lan", lan.network().name());
    assertEquals(lan, parser.parse("switch=lan,mtu=68").network());
    NetworkSpec.Switch other = (NetworkSpec.Switch) parser.parse("switch=a=b c").network();
    assertEquals("a=b c", other.network().name());
    assertNotEquals(lan, other);
  }

  @Test
  void hasDefaults() {
    CardSpec card = parse("user");
    assertEquals(CardSpec.on(NetworkSpec.user()).withMac(card.mac()), card);
    assertNotEquals(card.mac(), parse("user").mac());
    assertTrue(card.link().isPerfect());
  }

  @Test
  void readsTheOptions() {
    assertEquals(
        new CardSpec(
            new NetworkSpec.Tap("t", 3),
            new MacAddress(0x0a1b2c3d4e5fL),
            OptionalInt.of(65521),
            Optional.of(Path.of("x/a,b.pcap")),
            new LinkSpec(
                OptionalLong.of(100_000_000), 0.01, Duration.ofMillis(5), OptionalLong.of(-42))),
        parse(
            "tap=t,pcap=x/a,b.pcap,mac=0A:1b:2c-3d-4e:5f,mtu=65521,seed=-42,delay=5ms,loss=0.01"
                + ",rate=100M,queues=3"));
    assertFalse(parse("user,rate=1").link().isPerfect());
    assertFalse(parse("user,loss=1").link().isPerfect());
    assertFalse(parse("user,delay=1us").link().isPerfect());
    assertTrue(parse("user,seed=1,loss=0.0,delay=0ms").link().isPerfect());
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "9600, 9600",
    "64K, 64000",
    "64k, 64000",
    "100M, 100000000",
    "2.5G, 2500000000",
    "0.5K, 500",
    "1000G, 1000000000000"
  })
  void readsRates(String text, long bitsPerSecond) {
    assertEquals(OptionalLong.of(bitsPerSecond), parse("user,rate=" + text).link().bitsPerSecond());
  }

  @ParameterizedTest
  @CsvSource({"500us, 500000", "5ms, 5000000", "10s, 10000000000", "0s, 0"})
  void readsDelays(String text, long nanoseconds) {
    assertEquals(nanoseconds, parse("user,delay=" + text).link().delay().toNanos());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "\"\"                    | unknown network ''; there are user, passt=PATH, tap=NAME",
        "bridge                | unknown network 'bridge'; there are user, passt=PATH, tap=NAME",
        "bridge=br0            | unknown network 'bridge=br0'",
        "user=me               | unknown network 'user=me'",
        "User                  | unknown network 'User'",
        "tap                   | unknown network 'tap'; there are",
        "mac=02:00:00:00:00:01 | unknown network 'mac=",
        "user,                 | unknown option '' in 'user,'",
        "user,,mtu=68          | unknown option ''",
        "user,ro               | unknown option 'ro' in 'user,ro'; there are mac=, mtu=, pcap=",
        "user,mtu              | unknown option 'mtu'",
        "user,speed=1          | unknown option 'speed=1'",
        "user,MTU=1500         | unknown option 'MTU=1500'",
        "passt=/s,vlan=1       | unknown option 'vlan=1'",
        "user,mtu=68,mtu=69    | mtu= is in 'user,mtu=68,mtu=69' twice",
        "user,mac=             | mac '' is not six bytes",
        "user,mac=02:00        | mac '02:00' is not six bytes",
        "user,mac=02:00:00:00:00:0g | is not six bytes",
        "user,mac=02:00:00:00:00:01:02 | is not six bytes",
        "user,mac=0200.0000.0001 | is not six bytes",
        "user,mac=01:00:5e:00:00:01 | is a multicast address",
        "user,mac=ff:ff:ff:ff:ff:ff | is a multicast address",
        "user,mac=00:00:00:00:00:00 | mac '00:00:00:00:00:00' is no address",
        "user,mtu=             | mtu= is not a number from 68 to 65535",
        "user,mtu=67           | mtu=67 is not a number from 68 to 65535",
        "user,mtu=65536        | mtu=65536 is not a number",
        "user,mtu=-1           | mtu=-1 is not a number",
        "user,mtu=99999999999  | mtu=99999999999 is not a number",
        "user,pcap=            | pcap= names no file",
        "passt=                | passt= names no file",
        "socket=               | says neither socket=listen:PATH nor socket=connect:PATH",
        "socket=/tmp/s         | 'socket=/tmp/s' says neither",
        "socket=listen:        | socket=listen: names no file",
        "socket=connect:       | socket=connect: names no file",
        "switch=               | switch= names no switch",
        "tap=                  | '' can't be the name of an interface",
        "tap=sixteen-letters-  | can't be the name of an interface",
        "tap=a/b               | can't be the name of an interface",
        "tap=a b               | can't be the name of an interface",
        "tap=t,queues=0        | queues=0 is not a number from 1 to 16",
        "tap=t,queues=17       | queues=17 is not a number from 1 to 16",
        "tap=t,queues=two      | queues=two is not a number",
        "user,queues=2         | queues= goes with tap=NAME only, not with 'user'",
        "switch=x,queues=2     | queues= goes with tap=NAME only",
        "user,rate=0           | rate=0 lets nothing through",
        "user,rate=0M          | rate=0M lets nothing through",
        "user,rate=0.1         | rate=0.1 lets nothing through",
        "user,rate=            | rate '' is not a number of bits per second",
        "user,rate=-1          | rate '-1' is not a number",
        "user,rate=fast        | rate 'fast' is not a number",
        "user,rate=100MB       | rate '100MB' is not a number",
        "user,rate=1001G       | rate=1001G is more than 1000G",
        "user,rate=999999999999G | is more than 1000G",
        "user,loss=            | loss '' is not a share from 0 to 1",
        "user,loss=1.01        | loss '1.01' is not a share",
        "user,loss=1%          | loss '1%' is not a share",
        "user,loss=NaN         | loss 'NaN' is not a share",
        "user,loss=-0.1        | loss '-0.1' is not a share",
        "user,delay=5          | delay '5' is not a time; write 500us or 5ms",
        "user,delay=           | delay '' is not a time",
        "user,delay=11s        | delay=11s is more than 10s",
        "user,delay=-5ms       | delay '-5ms' is not a time",
        "user,seed=            | seed '' is not a whole number",
        "user,seed=1.5         | seed '1.5' is not a whole number",
        "user,seed=9223372036854775808 | is not a whole number of 64 bits",
      })
  void refuses(String text, String why) {
    Exception e = assertThrows(RuntimeException.class, () -> parse(text));
    assertTrue(e.getMessage().contains(why), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aSocketThatExistsMayHaveAnyName(@TempDir Path folder) throws Exception {
    Path odd = Files.createFile(folder.resolve("s,old"));
    assertEquals(new NetworkSpec.Connect(odd), parse("socket=connect:" + odd).network());
    assertEquals(new NetworkSpec.Passt(odd), parse("passt=" + odd + ",mtu=68").network());
    assertThrows(RuntimeException.class, () -> parse("passt=" + folder + "/s,new"));
  }

  @Test
  void publishesOnTheFirstNetworkOfTheUsers() {
    List<PublishedPort> ports =
        List.of(
            PublishedPort.tcp(8080, 80),
            new PublishedPort(PublishedPort.Protocol.UDP, "127.0.0.1", 5353, 53));
    List<CardSpec> nets = List.of(parse("tap=t"), parse("user,mtu=1400"), parse("user"));
    List<CardSpec> result = publish(nets, "127.0.0.1:8080:80", "5353:53/udp");
    assertEquals(nets.get(0), result.get(0));
    assertEquals(new NetworkSpec.User(ports), result.get(1).network());
    assertEquals(OptionalInt.of(1400), result.get(1).mtu());
    assertEquals(nets.get(2), result.get(2));
    assertSame(nets, publish(nets));
    assertEquals(List.of(), publish(List.of()));
  }

  @Test
  void publishingImpliesANetwork() {
    List<CardSpec> result = publish(List.of(), "8080:80");
    assertEquals(1, result.size());
    assertEquals(
        new NetworkSpec.User(List.of(PublishedPort.tcp(8080, 80))), result.get(0).network());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "tap=t  | 8080:80               | port 8080 needs a network that it leads through; add --net",
        "passt=s | 8080:80              | needs a network",
        "user   | 80                    | '80' is not",
        "user   | 127.0.0.1:8080        | is not",
        "user   | 0:80                  | port 0",
        "user   | 8080:65536            | port",
        "user   | 8080:80/sctp          | is not",
        "user   | 8080:80;8080:81       | 8080/tcp is published twice",
        "user   | 8080:80;127.0.0.1:8080:81 | 8080/tcp is published twice",
      })
  void refusesToPublish(String net, String ports, String why) {
    Exception e =
        assertThrows(RuntimeException.class, () -> publish(List.of(parse(net)), ports.split(";")));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void theSamePortOfTwoProtocolsIsFine() {
    assertEquals(1, publish(List.of(), "5353:53", "5353:53/udp").size());
  }
}
