// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One thing to measure.
 *
 * @param name without spaces or commas
 * @param access what is accessed
 * @param cache what the host's page cache holds of the disk's file when it begins
 * @param readPercent of the requests that are not flushes
 * @param random order of the blocks, each once before any twice; else sequential
 * @param bytes of a request or frame
 * @param depth requests under way
 * @param count requests in all
 * @param flushEvery each so many requests one is a flush; 0 for none
 */
public record Step(
    String name,
    Access access,
    Cache cache,
    int readPercent,
    boolean random,
    int bytes,
    int depth,
    int count,
    int flushEvery) {
  /** What is accessed: a register of a device, the disk's data, or the network. */
  public enum Access {
    PORT,
    MMIO,
    NOTIFY,
    DISK,
    /** Frames to a peer that takes them. */
    FLOOD,
    /** Frames to a peer that sends each back. */
    ECHO
  }

  /** What the page cache holds: nothing of the file or all of it. */
  public enum Cache {
    COLD,
    WARM
  }

  static Step register(Access access, int count) {
    String name = access.name().toLowerCase(Locale.ROOT);
    return new Step(name, access, Cache.WARM, 0, false, 0, 0, count, 0);
  }

  static Step network(Access access, int bytes, int depth, int count) {
    String name = access.name().toLowerCase(Locale.ROOT);
    return new Step(
        name + "-" + bytes + "-depth" + depth,
        access,
        Cache.WARM,
        0,
        false,
        bytes,
        depth,
        count,
        0);
  }

  static Step read(Cache cache, boolean random, int bytes, int depth, int count) {
    String name = (cache == Cache.COLD ? "cold-" : "warm-") + "read";
    return new Step(
        name + shape(random, bytes, depth),
        Access.DISK,
        cache,
        100,
        random,
        bytes,
        depth,
        count,
        0);
  }

  static Step write(boolean random, int bytes, int depth, int count) {
    return new Step(
        "write" + shape(random, bytes, depth),
        Access.DISK,
        Cache.WARM,
        0,
        random,
        bytes,
        depth,
        count,
        0);
  }

  static Step mixed(String name, int readPercent, int bytes, int depth, int count, int flushEvery) {
    return new Step(
        name, Access.DISK, Cache.WARM, readPercent, true, bytes, depth, count, flushEvery);
  }

  private static String shape(boolean random, int bytes, int depth) {
    String size = bytes < 1 << 20 ? (bytes >> 10) + "k" : (bytes >> 20) + "m";
    return (random ? "-random-" : "-sequential-") + size + "-depth" + depth;
  }

  /**
   * Whether all requests are reads, which do not change what the page cache holds of a warm file.
   */
  public boolean isRead() {
    return access == Access.DISK && readPercent == 100 && flushEvery == 0;
  }

  boolean isNetwork() {
    return access == Access.FLOOD || access == Access.ECHO;
  }

  /** Whether threads besides the vCPU's have to do with it. */
  boolean hasCpuTime() {
    return access == Access.DISK || access == Access.NOTIFY || isNetwork();
  }

  /** As the guest takes it from its console (guest-images/bench). */
  String guestLine() {
    if (isNetwork()) {
      String what = access.name().toLowerCase(Locale.ROOT);
      return String.format(Locale.ROOT, "%s,%s,%d,%d,%d", what, name, bytes, depth, count);
    }
    if (access != Access.DISK) {
      return String.join(",", name, name, Integer.toString(count));
    }
    return String.join(
        ",",
        "disk",
        name,
        Integer.toString(readPercent),
        random ? "random" : "sequential",
        Integer.toString(bytes),
        Integer.toString(depth),
        Integer.toString(count),
        Integer.toString(flushEvery));
  }

  /** The same requests for fio, on the half of the file that the guest would use. */
  List<String> fioArguments(long fileBytes) {
    long half = fileBytes / 2;
    long blocks = random ? Long.highestOneBit(half / bytes) : half / bytes;
    List<String> arguments = new ArrayList<>();
    if (readPercent > 0 && readPercent < 100) {
      arguments.add("--rw=randrw");
      arguments.add("--rwmixread=" + readPercent);
    } else {
      arguments.add("--rw=" + (random ? "rand" : "") + (readPercent == 100 ? "read" : "write"));
    }
    arguments.add("--bs=" + bytes);
    arguments.add("--iodepth=" + depth);
    arguments.add("--offset=" + (readPercent == 100 ? 0 : half));
    arguments.add("--size=" + blocks * bytes);
    arguments.add("--io_size=" + (long) (count - flushes()) * bytes);
    if (flushEvery > 1) {
      // fio counts the writes alone.
      long writes = Math.round((flushEvery - 1) * (100 - readPercent) / 100.0);
      arguments.add("--fdatasync=" + Math.max(1, writes));
    }
    return arguments;
  }

  /** How many of the requests are flushes. */
  int flushes() {
    return flushEvery == 0 ? 0 : count / flushEvery;
  }
}
