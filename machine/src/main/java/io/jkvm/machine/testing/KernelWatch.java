// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.ConsoleReader;
import io.jkvm.machine.Machine;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.KernelEventKind;
import io.jkvm.machine.kernellog.KernelLog;
import io.jkvm.machine.kernellog.KernelLogListener;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.PrintableText;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.ktap.KtapParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a kernel reports on its machine's console, read to its end on a thread of its own. Whoever
 * has the text already may give it with {@link #accept} and {@link #finish} in place of {@link
 * #start}.
 */
final class KernelWatch {
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final int LAST_LINES = 20;
  private static final int MAX_CHARACTERS = 500;

  private final Runnable onNews;

  // Of the thread that reads, until that has ended.
  private final KernelLog log = new KernelLog(new Events());
  private final KtapParser tests = new KtapParser();
  private final AgentComplaint complaint = new AgentComplaint();

  // Set by start.
  private Machine machine;
  private ConsoleReader reader;
  private Thread thread;

  // Guarded by this: the first report of each kind.
  private final Map<KernelEventKind, KernelEvent> begun = new EnumMap<>(KernelEventKind.class);
  private boolean spoke;
  private Optional<String> noChannel = Optional.empty();

  /**
   * A watch that has seen nothing yet.
   *
   * @param onNews called on the thread that reads when something has come
   */
  KernelWatch(Runnable onNews) {
    this.onNews = onNews;
  }

  /** Begins to read the console of a machine that has not started. */
  void start(Machine watched) {
    machine = watched;
    reader = machine.console().newHoldingReader();
    thread = new Thread(this::read, machine.name() + "/kernel-log");
    thread.setDaemon(true);
    thread.start();
  }

  private void read() {
    try {
      while (true) {
        boolean stopped = machine.stopReason().isPresent(); // before the last look
        byte[] bytes = reader.read(LOOK);
        if (bytes.length > 0) {
          accept(bytes);
        } else if (stopped) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      reader.close(); // nobody reads any more, so nobody must wait for that
      finish();
    }
  }

  /** The next part of the log, cut anywhere. */
  void accept(byte[] bytes) {
    log.accept(bytes, 0, bytes.length);
    tests.accept(bytes);
    complaint.accept(bytes);
    news();
  }

  /** Nothing follows. */
  void finish() {
    log.finish();
    onNews.run();
  }

  private void news() {
    synchronized (this) {
      spoke = true;
      noChannel = complaint.found();
    }
    onNews.run();
  }

  /** Whether the kernel has printed something since the last call. */
  synchronized boolean hasSpoken() {
    boolean answer = spoke;
    spoke = false;
    return answer;
  }

  /** What keeps the agent from speaking to the host, if it complains of that. */
  synchronized Optional<String> noChannel() {
    return noChannel;
  }

  /** The first report of each kind that has begun so far. */
  synchronized List<KernelEvent> begun() {
    return List.copyOf(begun.values());
  }

  /** The reports, equal ones once; only after its end. */
  List<KernelEvent> complete() {
    return log.events();
  }

  /**
   * How many bytes a guest that does not wait printed faster than they were read; only after {@link
   * #awaitEnd}.
   */
  long missed() {
    return reader.missed();
  }

  /** Waits until all that a machine has printed is read; only for one that has stopped. */
  void awaitEnd() throws InterruptedException {
    thread.join();
  }

  /** What the log tells of tests; only after its end. */
  List<TestCase> tests(EndClass end) {
    return tests.finish(end).cases();
  }

  /** The log's last lines, fit for a terminal. */
  List<String> lastLines() {
    String text = machine.console().output();
    List<String> lines =
        text.lines().filter(line -> !line.isBlank()).map(KernelWatch::printable).toList();
    return List.copyOf(lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size()));
  }

  /** Without what a terminal would take for commands. */
  static String printable(String text) {
    return PrintableText.forLine(text, MAX_CHARACTERS);
  }

  /** Without what a terminal would take for commands. */
  static String printable(byte[] text) {
    return printable(new String(text, StandardCharsets.UTF_8));
  }

  /** Keeps the first report of each kind that begins. */
  private final class Events implements KernelLogListener {
    @Override
    public void event(KernelEvent event) {
      synchronized (KernelWatch.this) {
        begun.putIfAbsent(event.kind(), event);
      }
    }
  }
}
