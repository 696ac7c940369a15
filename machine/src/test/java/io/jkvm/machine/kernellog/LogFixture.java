// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Logs to read, and who hears of them. */
final class LogFixture implements KernelLogListener {
  static final List<String> FILES =
      List.of(
          "panic",
          "oops-6.1",
          "oops-6.12",
          "kernel-bug",
          "warnings",
          "panic-on-warn",
          "bugs",
          "lockups",
          "stalls",
          "hung-task",
          "oom",
          "lockdep",
          "sanitizers",
          "kmemleak",
          "root-missing",
          "no-init",
          "false-friends");

  final KernelLog log = new KernelLog(this);
  final List<KernelEvent> begun = new ArrayList<>();
  final List<KernelEvent> completed = new ArrayList<>();

  @Override
  public void event(KernelEvent event) {
    begun.add(event);
  }

  @Override
  public void complete(KernelEvent event) {
    completed.add(event);
  }

  LogFixture feed(String text) {
    return feed(text.getBytes(StandardCharsets.UTF_8));
  }

  LogFixture feed(byte[] bytes) {
    log.accept(bytes, 0, bytes.length);
    return this;
  }

  LogFixture finish() {
    log.finish();
    return this;
  }

  List<KernelEvent> events() {
    return log.events();
  }

  List<KernelEventKind> kinds() {
    return log.events().stream().map(KernelEvent::kind).toList();
  }

  static LogFixture read(String name) {
    return new LogFixture().feed(text(name)).finish();
  }

  static String text(String name) {
    try (InputStream in = LogFixture.class.getResourceAsStream("/kernellog/" + name + ".log")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
