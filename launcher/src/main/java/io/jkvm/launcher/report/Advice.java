// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.report;

import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.util.Optional;

/** What the user of the command can do about a problem: the one place that names its options. */
public final class Advice {
  private Advice() {}

  /** The facts of a problem in one line, with what to do about it. */
  public static String line(MachineException e) {
    String advice = of(e.problem());
    return advice.isEmpty() ? e.getMessage() : e.getMessage() + "; " + advice;
  }

  /** The option whose value is to blame, if it is one's. */
  public static Optional<String> option(Problem problem) {
    return Optional.ofNullable(
        switch (problem) {
          case MEMORY_SIZE -> "--mem";
          case CPU_COUNT -> "--cpus";
          case CPU_FEATURE -> "--cpuid";
          case COMMAND_LINE_HAS_NUL -> "--cmdline";
          case DISK, DISK_ID, DISK_ID_TWICE, DISK_TWICE -> "--disk";
          case MAC_ADDRESS, NETWORK, CARD_TWICE, LINK -> "--net";
          case PUBLISHED_PORT -> "--publish";
          case NAME -> "--name";
          default -> null;
        });
  }

  /** What to do; empty where the facts say it. */
  static String of(Problem problem) {
    return switch (problem) {
      case MEMORY_SIZE -> "give at least 64M, as in --mem 512M";
      case CPU_COUNT -> "give one, as in --cpus 2";
      case DISK_ID -> "give another id=";
      case DISK_ID_TWICE -> "give each its own id=";
      case DISK_TWICE -> "leave one out, or give both as FILE,ro";
      case MAC_ADDRESS -> "give one as in mac=02:00:00:00:00:01";
      case CARD_TWICE -> "each needs its own";
      case PUBLISHED_PORT -> "leave one out, or write it as in --publish 127.0.0.1:8080:80";
      case TOO_MANY_DEVICES -> "give fewer disks and networks, or --virtio=mmio";
      case MORE_CPUS_THAN_KVM -> "give less with --cpus";
      case MORE_MEMORY_THAN_HOST -> "give less with --mem";
      default -> "";
    };
  }
}
