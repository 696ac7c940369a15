// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the bytes come, what stands before them, and what a guest may send to do harm. */
@Timeout(300)
class KernelLogInputTest {
  private static final String PANIC = "Kernel panic - not syncing: ";

  static List<String> files() {
    return LogFixture.FILES;
  }

  @ParameterizedTest
  @MethodSource("files")
  void splitAnywhere(String name) {
    byte[] bytes = LogFixture.text(name).getBytes(StandardCharsets.UTF_8);
    LogFixture whole = new LogFixture().feed(bytes).finish();
    LogFixture single = new LogFixture();
    for (int split = 0; split < bytes.length; split++) {
      LogFixture halves = new LogFixture();
      halves.log.accept(bytes, 0, split);
      halves.log.accept(bytes, split, bytes.length - split);
      halves.finish();
      assertEquals(whole.events(), halves.events());
      assertEquals(whole.begun, halves.begun);
      single.log.accept(bytes, split, 1);
    }
    single.finish();
    assertEquals(whole.events(), single.events());
    assertEquals(bytes.length, single.log.bytes());
    assertEquals(whole.log.lines(), single.log.lines());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bare", "caller", "caller only", "level", "all", "carriage", "kmsg"})
  void everyPrefix(String style) {
    for (String name : LogFixture.FILES) {
      if (name.equals("false-friends")) {
        continue; // lives from its time stamps
      }
      StringBuilder changed = new StringBuilder();
      LogFixture.text(name).lines().forEach(line -> changed.append(restyle(style, line)));
      LogFixture guest = new LogFixture().feed(changed.toString()).finish();
      assertEquals(
          texts(LogFixture.read(name).events()), texts(guest.events()), style + " " + name);
    }
  }

  private static List<String> texts(List<KernelEvent> events) {
    return events.stream().map(e -> e.kind() + " " + e.fingerprint() + " " + e.text()).toList();
  }

  private static String restyle(String style, String line) {
    int end = line.indexOf("] ") + 2;
    String stamp = line.substring(0, end - 1);
    String text = line.substring(end);
    String micros = stamp.replaceAll("[^0-9]", "");
    return switch (style) {
      case "bare" -> text + "\n";
      case "caller" -> stamp + "[  T123] " + text + "\n";
      case "caller only" -> "[    C1] " + text + "\n";
      case "level" -> "<4>" + stamp + " " + text + "\n";
      case "all" -> "<4>" + stamp + "[    T1] " + text + "\r\n";
      case "carriage" -> "\r" + line + "\r\r\n";
      default ->
          "4,12," + micros + ",-,caller=T1;" + text.replace("\t", "\\x09") + "\n SUBSYSTEM=x\n";
    };
  }

  @Test
  void programsOnTheConsoleAreNotTheKernel() {
    String program = PANIC + "said a program\n";
    String three = "[    0.1] x\n[    0.100001] a\n[    0.100002] b\n";
    assertEquals(1, new LogFixture().feed(three + program).finish().events().size());
    LogFixture guest = new LogFixture().feed(three + "[    0.100003] c\n" + program).finish();
    assertEquals(List.of(), guest.events());
  }

  /** They are not in the report either when they print between its lines. */
  @Test
  void programsDoNotGetIntoReports() {
    String plain = LogFixture.text("oops-6.1");
    UnaryOperator<String> torn = line -> line + "\nprogress 50%\n";
    StringBuilder mixed = new StringBuilder();
    plain.lines().forEach(line -> mixed.append(torn.apply(line)));
    LogFixture guest = new LogFixture().feed("[    1.000001] a\n".repeat(3) + mixed).finish();
    assertEquals(texts(LogFixture.read("oops-6.1").events()), texts(guest.events()));
  }

  /** A shell's prompt has no line feed, and the kernel does not wait for one. */
  @Test
  void behindAPrompt() {
    String boot = "[    9.100001] a\n[    9.100002] b\n[    9.100003] c\n";
    LogFixture guest =
        new LogFixture().feed(boot + "/ # [\u001b[m[   12.000001] " + PANIC + "now\n").finish();
    assertEquals(PANIC + "now", guest.events().get(0).title());
    LogFixture old =
        new LogFixture().feed(boot + "grep: [    1.000001] " + PANIC + "then\n").finish();
    assertEquals(List.of(), old.events());
  }

  /** A panic does not wait for a CPU that is just printing. */
  @Test
  void withinAnUnfinishedLine() {
    String boot = "[    9.100001] a\n[    9.100002] b\n[    9.100003] c\n";
    LogFixture guest =
        new LogFixture()
            .feed(boot + "[   10.000001] BUG: odd[   10.000002][    T1] " + PANIC + "now\n")
            .finish();
    assertEquals("BUG: odd", guest.events().get(0).title());
    assertEquals(PANIC + "now", guest.events().get(1).title());
    assertEquals(4, guest.events().get(1).line());
  }

  @Test
  void theFormatOfKmsgTellsWhoWrote() {
    LogFixture guest =
        new LogFixture()
            .feed("12,1,100,-;" + PANIC + "said a program\n")
            .feed("4,2,200,-;BUG: odd\\x0aCall Trace:\\x0a f+0x1/0x2\\x5c\\xg\\x1\\x\n")
            .finish();
    assertEquals(1, guest.events().size());
    assertEquals("BUG: odd\nCall Trace:\n f+0x1/0x2\\\\xg\\x1\\x", guest.events().get(0).text());
  }

  @Test
  void aCutLastLineIsRead() {
    LogFixture guest = new LogFixture().feed("[    1.000001] " + PANIC + "cut");
    assertEquals(List.of(), guest.begun);
    guest.finish();
    assertEquals(PANIC + "cut", guest.events().get(0).title());
    guest.finish();
    assertEquals(1, guest.events().size());
  }

  @Test
  void beginningsAreToldAtOnce() {
    LogFixture guest = new LogFixture().feed("[    1.000001] " + PANIC + "x\n");
    assertEquals(1, guest.begun.size());
    assertEquals("", guest.begun.get(0).text());
    assertEquals(List.of(), guest.completed);
    assertEquals(1, guest.finish().completed.size());
  }

  @Test
  void everyKindOfBuffer() {
    byte[] bytes = LogFixture.text("warnings").getBytes(StandardCharsets.UTF_8);
    LogFixture guest = new LogFixture();
    ByteBuffer direct = ByteBuffer.allocateDirect(20_000);
    direct.put(new byte[20_000 - bytes.length]).put(bytes).flip();
    guest.log.accept(direct);
    assertFalse(direct.hasRemaining());
    assertEquals(20_000, guest.log.bytes());
    ByteBuffer slice = ByteBuffer.wrap(bytes, 1000, bytes.length - 1000).slice();
    slice.position(5);
    guest.log.accept(slice);
    guest.log.accept(ByteBuffer.wrap(bytes).asReadOnlyBuffer());
    guest.finish();
    assertEquals(3, guest.events().size());
    assertThrows(IndexOutOfBoundsException.class, () -> guest.log.accept(bytes, 1, bytes.length));
  }

  @Test
  void bytesThatAreNoText() {
    byte[] bytes = "BUG: \u00e9\u001b[31m \u0000\t\u007f \n".getBytes(StandardCharsets.UTF_8);
    bytes[5] = (byte) 0xff;
    LogFixture guest = new LogFixture().feed(bytes).finish();
    assertEquals("BUG: \ufffd\ufffd?[31m ?\t?", guest.events().get(0).title());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void noise(long seed) {
    Random random = new Random(seed);
    LogFixture guest = new LogFixture();
    String all = String.join("", LogFixture.FILES.stream().map(LogFixture::text).toList());
    byte[] bytes = all.getBytes(StandardCharsets.UTF_8);
    for (int round = 0; round < 200; round++) {
      byte[] damaged = bytes.clone();
      int damages = 1 << random.nextInt(14);
      for (int i = 0; i < damages; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      int start = random.nextInt(damaged.length);
      guest.log.accept(damaged, start, random.nextInt(damaged.length - start));
    }
    guest.feed("\n[ 9999.000001] " + PANIC + "at last\n").finish();
    assertTrue(guest.log.count(KernelEventKind.PANIC) > 0);
    KernelEvent last = guest.completed.get(guest.completed.size() - 1);
    assertEquals(PANIC + "at last", last.title());
    assertTrue(guest.events().size() <= KernelEventKind.values().length * EventStore.MAX_EACH);
    for (KernelEvent event : guest.events()) {
      assertTrue(event.text().length() <= Report.MAX_TEXT + 100);
      assertTrue(event.title().length() <= 200);
    }
  }

  /** One report without an end, one line without an end, then what matters. */
  @Test
  void floods() {
    LogFixture guest = new LogFixture();
    guest.feed("[    1.000001] BUG: KASAN: endless in f+0x1/0x2\n");
    guest.feed("[    1.000002] more\n".repeat(100_000));
    guest.feed("[    1.000003] ");
    byte[] block = "x".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
    for (int i = 0; i < 64; i++) {
      guest.feed(block);
    }
    guest.feed("\n[    2.000001] " + PANIC + "at last\n").finish();
    assertEquals(2, guest.events().size());
    String text = guest.events().get(0).text();
    assertEquals(201, text.lines().count());
    assertTrue(text.endsWith("\n[3800 more lines]"), text.substring(text.length() - 50));
    assertEquals(100_003, guest.events().get(1).line());
  }

  @Test
  void longLinesAreCut() {
    String line = "BUG: " + "y".repeat(100_000) + "\n";
    for (int split : new int[] {0, 1, 4000, 4096, 5000}) {
      LogFixture guest = new LogFixture().feed(line.substring(0, split));
      guest.feed(line.substring(split) + " z".repeat(5000) + "\n").finish();
      assertEquals(200, guest.events().get(0).title().length());
      assertEquals(4096 + 1 + 4096, guest.events().get(0).text().length());
    }
    LogFixture big = new LogFixture().feed(line + (" " + "z".repeat(4000) + "\n").repeat(100));
    String text = big.finish().events().get(0).text();
    assertTrue(text.length() <= Report.MAX_TEXT + 30 && text.length() > 28_000);
    assertTrue(text.endsWith(" more lines]"));
  }

  /** A flood of one kind leaves room for another, and all are counted. */
  @Test
  void tooManyOfAKind() {
    LogFixture guest = new LogFixture();
    for (int i = 0; i < 10_000; i++) {
      guest.feed("[    1.000001] BUG: odd" + "abcdefghijk".substring(i % 10) + i / 10 + "x\n");
    }
    guest.feed("[    2.000001] " + PANIC + "at last\n").finish();
    assertEquals(EventStore.MAX_EACH + 1, guest.events().size());
    assertEquals(10_000, guest.log.count(KernelEventKind.BUG));
    assertEquals(10_000 - EventStore.MAX_EACH, guest.log.dropped());
    assertEquals(10_001, guest.begun.size());
    assertEquals(PANIC + "at last", guest.events().get(EventStore.MAX_EACH).title());
  }

  /** Ordinary output costs no garbage, whatever its prefix and whoever wrote it. */
  @Test
  void ordinaryLinesCostNoGarbage() {
    String text =
        LogFixture.text("false-friends").replace("Linux version", "linux version")
            + "[    1.000001][    T1] virtio_net virtio0 eth0: renamed\n".repeat(50)
            + "a program's line [ 1 ] without an end yet".repeat(20)
            + "\n6,12,3000000,-;NET: Registered PF_VSOCK protocol family\n".repeat(20);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    KernelLog log = new KernelLog();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (int i = 0; i < 2000; i++) {
      halves(log, bytes, i % bytes.length);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 1000; i++) {
      halves(log, bytes, i % bytes.length);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertEquals(0, allocated / 1000, allocated + " bytes for 1000 rounds");
  }

  private static void halves(KernelLog log, byte[] bytes, int split) {
    log.accept(bytes, 0, split);
    log.accept(bytes, split, bytes.length - split);
  }
}
