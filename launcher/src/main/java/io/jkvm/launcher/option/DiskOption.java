// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.DiskTuning;
import io.jkvm.machine.spec.DiskTuning.Cache;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The value of {@code --disk}: {@code
 * FILE[,ro][,id=NAME][,format=raw][,cache=MODE][,queues=N][,poll=off][,direct][,iops=N][,bps=SIZE]}.
 */
public final class DiskOption {
  private DiskOption() {}

  /**
   * Parses the option's value. A file name that has a comma followed by something other than an
   * option keeps it.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static DiskSpec parse(String text) {
    String rest = text;
    boolean readOnly = false;
    String id = "";
    boolean anyContent = false;
    DiskTuning tuning = DiskTuning.DEFAULT;
    Set<String> given = new HashSet<>();
    for (int comma = rest.lastIndexOf(','); comma >= 0; comma = rest.lastIndexOf(',')) {
      String option = rest.substring(comma + 1);
      if (option.equals("ro")) {
        readOnly = true;
      } else if (option.startsWith("id=")) {
        id = option.substring(3);
        if (id.isEmpty()) {
          throw new IllegalArgumentException("id= names no id in '" + text + "'");
        }
      } else if (option.equals("format=raw")) {
        anyContent = true;
      } else if (option.startsWith("format=")) {
        throw new IllegalArgumentException(
            "'"
                + option
                + "' in '"
                + text
                + "': only raw disks are supported; convert the image,"
                + " as in qemu-img convert -O raw IMAGE disk.img");
      } else if (option.equals("poll=off")) {
        tuning = tuning.withoutPolling();
      } else if (option.equals("direct")) {
        tuning = tuning.withDirect();
      } else if (option.startsWith("cache=")) {
        tuning = tuning.withCache(cache(option.substring(6), text));
      } else if (option.startsWith("queues=")) {
        tuning = tuning.withQueues(queues(option.substring(7), text));
      } else if (option.startsWith("iops=")) {
        tuning = tuning.withIops(iops(option.substring(5), text));
      } else if (option.startsWith("bps=")) {
        tuning = tuning.withBytesPerSecond(bytesPerSecond(option.substring(4), text));
      } else if (option.matches("[a-z]+(=.*)?") && !java.nio.file.Files.exists(Path.of(rest))) {
        throw new IllegalArgumentException(
            "unknown disk option '"
                + option
                + "' in '"
                + text
                + "'; there are ro, id=NAME, format=raw, cache=MODE, queues=N, poll=off, direct,"
                + " iops=N and bps=SIZE");
      } else {
        break;
      }
      String name = option.replaceFirst("=.*", "");
      if (!given.add(name) && option.contains("=")) {
        throw new IllegalArgumentException(name + "= is there twice in '" + text + "'");
      }
      rest = rest.substring(0, comma);
    }
    if (rest.isEmpty()) {
      throw new IllegalArgumentException("'" + text + "' names no file");
    }
    Path path = Path.of(rest);
    DiskSpec disk = anyContent ? DiskSpec.rawOfAnyContent(path) : DiskSpec.raw(path);
    disk = disk.withId(id).withTuning(tuning);
    return readOnly ? disk.asReadOnly() : disk;
  }

  private static Cache cache(String mode, String text) {
    for (Cache cache : Cache.values()) {
      if (cache.name().toLowerCase(Locale.ROOT).equals(mode)) {
        return cache;
      }
    }
    throw new IllegalArgumentException(
        "'cache=" + mode + "' in '" + text + "'; there are writeback, writethrough and unsafe");
  }

  private static int queues(String number, String text) {
    if (!number.matches("[0-9]{1,9}")) {
      throw new IllegalArgumentException("'queues=" + number + "' in '" + text + "' is no number");
    }
    return Integer.parseInt(number);
  }

  private static long iops(String number, String text) {
    if (!number.matches("[0-9]{1,18}")) {
      throw new IllegalArgumentException(
          "'iops=" + number + "' in '" + text + "' is no number of requests a second");
    }
    return limit("iops=" + number, Long.parseLong(number), text);
  }

  private static long bytesPerSecond(String size, String text) {
    OptionalLong bytes = SizeOption.bytes(size);
    if (bytes.isEmpty()) {
      throw new IllegalArgumentException(
          "'bps="
              + size
              + "' in '"
              + text
              + "' is no number of bytes a second; write bps=512K or bps=100M");
    }
    return limit("bps=" + size, bytes.getAsLong(), text);
  }

  private static long limit(String option, long perSecond, String text) {
    if (perSecond == 0) {
      throw new IllegalArgumentException(
          "'" + option + "' in '" + text + "' lets nothing through; leave it out for no limit");
    }
    return perSecond;
  }
}
