// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import io.jkvm.machine.ConsoleReader;
import io.jkvm.machine.Machine;
import io.jkvm.machine.kernellog.KernelEvent;
import io.jkvm.machine.kernellog.KernelLog;
import io.jkvm.machine.kernellog.KernelLogListener;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import io.jkvm.machine.results.ktap.KtapParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads a machine's console to its end, on a thread of its own, for what the kernel reports. */
final class KernelWatch {
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final int LAST_LINES = 20;

  private final Machine machine;
  private final Runnable onNews;
  private final Thread thread;

  /** Of the watch's thread, until that has ended. */
  private final KtapParser tests = new KtapParser();

  /** Of the watch's thread. */
  private final AgentComplaint complaint = new AgentComplaint();

  // Guarded by this: what began, and what is complete by its fingerprint.
  private final List<KernelEvent> begun = new ArrayList<>();
  private final Map<String, KernelEvent> complete = new LinkedHashMap<>();
  private boolean spoke;
  private Optional<String> noChannel = Optional.empty();

  /**
   * A watch that does not run yet.
   *
   * @param onNews called on the watch's thread when something has come
   */
  KernelWatch(Machine machine, Runnable onNews) {
    this.machine = machine;
    this.onNews = onNews;
    thread = new Thread(this::read, machine.name() + "/kernel-log");
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void read() {
    ConsoleReader reader = machine.console().newReader();
    KernelLog log = new KernelLog(new Events());
    try {
      while (true) {
        boolean stopped = machine.stopReason().isPresent(); // before the last look
        byte[] bytes = reader.read(LOOK);
        if (bytes.length > 0) {
          log.accept(bytes, 0, bytes.length);
          tests.accept(bytes);
          complaint.accept(bytes);
          news();
        } else if (stopped) {
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      log.finish();
      onNews.run();
    }
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

  /** The reports that have begun so far. */
  synchronized List<KernelEvent> begun() {
    return List.copyOf(begun);
  }

  /** The reports that are whole, equal ones once. */
  synchronized List<KernelEvent> complete() {
    return List.copyOf(complete.values());
  }

  /** Waits until all that a machine has printed is read; only for one that has stopped. */
  void awaitEnd() throws InterruptedException {
    thread.join();
  }

  /** What the log tells of tests; only after {@link #awaitEnd}. */
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
    return text.replaceAll("\\p{Cntrl}", "?");
  }

  /** Without what a terminal would take for commands. */
  static String printable(byte[] text) {
    return printable(new String(text, StandardCharsets.UTF_8));
  }

  /** Keeps what the log tells; the log itself bounds their number and size. */
  private final class Events implements KernelLogListener {
    private static final int MAX_BEGUN = 1000;

    @Override
    public void event(KernelEvent event) {
      synchronized (KernelWatch.this) {
        if (begun.size() < MAX_BEGUN) {
          begun.add(event);
        }
      }
    }

    @Override
    public void complete(KernelEvent event) {
      synchronized (KernelWatch.this) {
        if (complete.size() < MAX_BEGUN || complete.containsKey(event.fingerprint())) {
          complete.put(event.fingerprint(), event);
        }
      }
    }
  }
}
