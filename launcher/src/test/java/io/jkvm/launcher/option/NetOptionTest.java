// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.devices.network.emulation.LinkQuality;
import io.jkvm.devices.network.passt.PortForward;
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

class NetConfigTest {
  private static final long MAC = 0x020000000099L;

  private static NetConfig parse(String text) {
    return NetConfig.parse(text, MAC);
  }

  static Stream<Arguments> readsTheNetwork() {
    return Stream.of(
        Arguments.of("user", new NetPlace.User(List.of())),
        Arguments.of("passt=/run/passt.socket", new NetPlace.Passt(Path.of("/run/passt.socket"))),
        Arguments.of("passt=a,b.sock", new NetPlace.Passt(Path.of("a,b.sock"))),
        Arguments.of("tap=tap0", new NetPlace.Tap("tap0", 1)),
        Arguments.of("tap=tap0,queues=16", new NetPlace.Tap("tap0", 16)),
        Arguments.of("tap=tap0,mtu=1500,queues=2", new NetPlace.Tap("tap0", 2)),
        Arguments.of("switch=lan", new NetPlace.Switch("lan")),
        Arguments.of("switch=a=b c", new NetPlace.Switch("a=b c")),
        Arguments.of("socket=listen:/tmp/s", new NetPlace.Listen(Path.of("/tmp/s"))),
        Arguments.of("socket=connect:a:b", new NetPlace.Connect(Path.of("a:b"))),
        Arguments.of("socket=connect:a,B,mtu=68", new NetPlace.Connect(Path.of("a,B"))));
  }

  @ParameterizedTest
  @MethodSource
  void readsTheNetwork(String text, NetPlace place) {
    assertEquals(place, parse(text).place());
  }

  @Test
  void hasDefaults() {
    NetConfig net = parse("user");
    assertEquals(
        new NetConfig(
            new NetPlace.User(List.of()),
            MAC,
            OptionalInt.empty(),
            Optional.empty(),
            LinkConfig.PERFECT),
        net);
    assertTrue(net.link().isPerfect());
  }

  @Test
  void readsTheOptions() {
    assertEquals(
        new NetConfig(
            new NetPlace.Tap("t", 3),
            0x0a1b2c3d4e5fL,
            OptionalInt.of(65521),
            Optional.of(Path.of("x/a,b.pcap")),
            new LinkConfig(
                OptionalLong.of(100_000_000), 0.01, Duration.ofMillis(5), OptionalLong.of(-42))),
        parse(
            "tap=t,pcap=x/a,b.pcap,mac=0A:1b:2c-3d-4e:5f,mtu=65521,seed=-42,delay=5ms,loss=0.01"
                + ",rate=100M,queues=3"));
    assertFalse(parse("user,rate=1").link().isPerfect());
    assertFalse(parse("user,loss=1").link().isPerfect());
    assertFalse(parse("user,delay=1us").link().isPerfect());
    assertTrue(parse("user,seed=1,loss=0.0,delay=0ms").link().isPerfect());
  }

  @Test
  void tellsTheEmulator() {
    assertEquals(
        new LinkQuality(1000, 0.5, 2_000_000, 42),
        parse("user,rate=1K,loss=.5,delay=2ms,seed=42").link().settings());
    LinkQuality rest = parse("user,loss=1").link().settings();
    assertEquals(new LinkQuality(0, 1, 0, rest.seed()), rest);
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
    Exception e = assertThrows(IllegalArgumentException.class, () -> parse(text));
    assertTrue(e.getMessage().contains(why), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void aSocketThatExistsMayHaveAnyName(@TempDir Path folder) throws Exception {
    Path odd = Files.createFile(folder.resolve("s,old"));
    assertEquals(new NetPlace.Connect(odd), parse("socket=connect:" + odd).place());
    assertEquals(new NetPlace.Passt(odd), parse("passt=" + odd + ",mtu=68").place());
    assertThrows(IllegalArgumentException.class, () -> parse("passt=" + folder + "/s,new"));
  }

  @Test
  void publishesOnTheFirstNetworkOfTheUsers() {
    List<PortForward> forwards =
        List.of(PortForward.parse("127.0.0.1:8080:80"), PortForward.parse("5353:53/udp"));
    List<String> ports = List.of("127.0.0.1:8080:80", "5353:53/udp");
    List<NetConfig> nets = List.of(parse("tap=t"), parse("user,mtu=1400"), parse("user"));
    List<NetConfig> result = NetConfig.publish(nets, ports);
    assertEquals(nets.get(0), result.get(0));
    assertEquals(new NetPlace.User(forwards), result.get(1).place());
    assertEquals(OptionalInt.of(1400), result.get(1).mtu());
    assertEquals(nets.get(2), result.get(2));
    assertSame(nets, NetConfig.publish(nets, List.of()));
    assertEquals(List.of(), NetConfig.publish(List.of(), List.of()));
  }

  @Test
  void publishingImpliesANetwork() {
    List<NetConfig> result = NetConfig.publish(List.of(), List.of("8080:80"));
    assertEquals(1, result.size());
    assertEquals(new NetPlace.User(List.of(PortForward.parse("8080:80"))), result.get(0).place());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "tap=t  | 8080:80               | '8080:80' needs a network that it leads through; add --net",
        "passt=s | 8080:80              | needs a network",
        "user   | 80                    | '80' is not",
        "user   | 127.0.0.1:8080        | is not",
        "user   | 0:80                  | port 0",
        "user   | 8080:65536            | port",
        "user   | 8080:80/sctp          | is not",
        "user   | 8080:80;8080:81       | 8080/tcp is forwarded twice",
        "user   | 8080:80;127.0.0.1:8080:81 | 8080/tcp is forwarded twice",
      })
  void refusesToPublish(String net, String ports, String why) {
    Exception e =
        assertThrows(
            IllegalArgumentException.class,
            () -> NetConfig.publish(List.of(parse(net)), List.of(ports.split(";"))));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void theSamePortOfTwoProtocolsIsFine() {
    assertEquals(1, NetConfig.publish(List.of(), List.of("5353:53", "5353:53/udp")).size());
  }

  @Test
  void twoCardsNeedTheirOwnFileAddressAndTap() {
    refusesTwo("pcap=" + Path.of("x").toAbsolutePath(), "user,pcap=x", "switch=a,pcap=./x");
    refusesTwo("mac=02:00:00:00:00:01", "user,mac=02:00:00:00:00:01", "user,mac=02-00-00-00-00-01");
    refusesTwo("tap=t", "tap=t", "tap=t,queues=2");
    List<NetConfig> nets =
        List.of(
            NetConfig.parse("tap=t,pcap=x", 2),
            NetConfig.parse("tap=u,pcap=y", 4),
            NetConfig.parse("switch=t", 6),
            NetConfig.parse("switch=t", 8));
    assertSame(nets, NetConfig.checkDistinct(nets));
  }

  private static void refusesTwo(String what, String first, String second) {
    List<NetConfig> nets = List.of(NetConfig.parse(first, 2), NetConfig.parse(second, 4));
    Exception e = assertThrows(IllegalArgumentException.class, () -> NetConfig.checkDistinct(nets));
    assertEquals(what + " is given for two cards; each needs its own", e.getMessage());
  }

  @Test
  void randomAddressesAreACardsOwn() {
    long first = MacAddress.random();
    assertNotEquals(first, MacAddress.random());
    for (int i = 0; i < 1000; i++) {
      String text = MacAddress.format(MacAddress.random());
      long mac = MacAddress.parse(text);
      assertEquals(text, MacAddress.format(mac));
      assertEquals(2, mac >>> 40 & 3, "locally administered, not a group's: " + text);
    }
    assertEquals("02:00:00:00:00:01", MacAddress.format(0x020000000001L));
  }
}
