// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Credentials;
import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/** A directory held by a handle, and what tests open in it, which is closed with it. */
final class TestDirectory implements AutoCloseable {
  /** How a server looks up one component. */
  static final OpenHow HANDLE =
      new OpenHow(
          OpenHow.O_PATH | OpenHow.O_NOFOLLOW,
          0,
          OpenHow.RESOLVE_BENEATH | OpenHow.RESOLVE_NO_MAGICLINKS);

  private final List<Integer> opened = new ArrayList<>();
  private final int fd;

  TestDirectory(Path path) {
    NativeName name = new NativeName(NativeName.PATH_BYTES);
    assertEquals(0, name.set(path.toString().getBytes(StandardCharsets.UTF_8)));
    OpenHow how = new OpenHow(OpenHow.O_PATH | OpenHow.O_DIRECTORY, 0, 0);
    fd = opened(how.open(DirectoryIo.AT_FDCWD, name));
  }

  int fd() {
    return fd;
  }

  /** Fails if it is an error, else remembers to close it. */
  int opened(int result) {
    int descriptor = ok(result);
    opened.add(descriptor);
    return descriptor;
  }

  int handle(String name) {
    return opened(HANDLE.open(fd, name(name)));
  }

  int open(String name, int flags) {
    return opened(new OpenHow(flags, 0, 0).open(fd, name(name)));
  }

  /** A new empty file, open for reading and writing. */
  int create(String name) {
    int flags = OpenHow.O_RDWR | OpenHow.O_CREAT | OpenHow.O_EXCL;
    return opened(new OpenHow(flags, 0644, 0).open(fd, name(name)));
  }

  void make(String name, int mode) {
    ok(DirectoryIo.mknodat(fd, name(name), mode, 0));
  }

  void makeDirectory(String name) {
    ok(DirectoryIo.mkdirat(fd, name(name), 0755));
  }

  void link(String target, String name) {
    ok(DirectoryIo.symlinkat(path(target), fd, name(name)));
  }

  /** What an entry is. */
  Statx stat(String name) {
    Statx stat = new Statx();
    ok(stat.readEntry(fd, name(name), 0, Statx.STATX_BASIC_STATS));
    return stat;
  }

  /** Characters up to 0xff are bytes. */
  static NativeName name(String name) {
    NativeName result = new NativeName(NativeName.NAME_MAX);
    assertEquals(0, result.setComponent(name.getBytes(StandardCharsets.ISO_8859_1)), name);
    return result;
  }

  static NativeName path(String path) {
    NativeName result = new NativeName(NativeName.PATH_BYTES);
    assertEquals(0, result.set(path.getBytes(StandardCharsets.ISO_8859_1)), path);
    return result;
  }

  static String text(ByteBuffer buffer, int at, int length) {
    byte[] bytes = new byte[length];
    buffer.get(at, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  static NativeMemory memory(String text) {
    NativeMemory memory = new NativeMemory(Math.max(1, text.length()));
    memory.buffer().put(0, text.getBytes(StandardCharsets.ISO_8859_1));
    return memory;
  }

  static int ok(int result) {
    return (int) ok((long) result);
  }

  static long ok(long result) {
    assertTrue(result >= 0, () -> Errno.name((int) -result));
    return result;
  }

  /** Compares names of errors, so that a failure can be read. */
  static void assertErrno(int expected, long result) {
    String got = result < 0 ? Errno.name((int) -result) : "no error but " + result;
    assertEquals(Errno.name(expected), got);
  }

  static void assumeRoot() {
    assumeTrue(Credentials.effectiveUserId() == 0, "needs root");
  }

  static boolean isCloseOnExec(int fd) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd))) {
      if (line.startsWith("flags:")) {
        int flags = Integer.parseInt(line.substring(6).strip(), 8);
        return (flags & OpenHow.O_CLOEXEC) != 0;
      }
    }
    throw new AssertionError("no flags of descriptor " + fd);
  }

  /** Runs something as an ordinary user, on a thread that ends with it. */
  static <T> T asUser(int id, Callable<T> action) throws Exception {
    assumeRoot();
    return onThread(
        () -> {
          ok(ThreadFileAccess.setgroups(new NativeMemory(4), 0));
          ok(ThreadFileAccess.setfsgid(id));
          ok(ThreadFileAccess.setfsuid(id));
          return action.call();
        });
  }

  /** Runs something on a thread of its own. */
  static <T> T onThread(Callable<T> action) throws Exception {
    FutureTask<T> task = new FutureTask<>(action);
    Thread thread = new Thread(task, "files-test");
    thread.setDaemon(true);
    thread.start();
    return task.get();
  }

  @Override
  public void close() {
    opened.forEach(HandleIo::close);
  }
}
