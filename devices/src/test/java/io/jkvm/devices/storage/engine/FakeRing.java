// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.uring.IoRing;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** A ring whose completions a test makes up. */
final class FakeRing implements IoRing {
  private record Completion(long userData, int result) {}

  private final Deque<Long> prepared = new ArrayDeque<>();
  private final Deque<Completion> completions = new ArrayDeque<>();
  private final List<String> calls = new ArrayList<>();
  private Completion current;
  private int refusal;

  /** Requests so far, such as "read 512 x2" or "write 0 x1". */
  List<String> takeCalls() {
    List<String> taken = List.copyOf(calls);
    calls.clear();
    return taken;
  }

  /** What submissions fail with from now on; 0 if they don't. */
  void refuse(int errno) {
    refusal = errno;
  }

  void complete(DiskRequest request, int result) {
    completeToken(request.token(), result);
  }

  void completeToken(long userData, int result) {
    completions.add(new Completion(userData, result));
  }

  @Override
  public int entries() {
    return 4;
  }

  @Override
  public void registerEventFd(EventFd eventFd) {}

  @Override
  public void unregisterEventFd() {}

  @Override
  public boolean prepareRead(int fd, long iovecs, int count, long offset, long userData) {
    calls.add("read " + offset + " x" + count);
    prepared.add(userData);
    return true;
  }

  @Override
  public boolean prepareWrite(int fd, long iovecs, int count, long offset, long userData) {
    calls.add("write " + offset + " x" + count);
    prepared.add(userData);
    return true;
  }

  @Override
  public int prepared() {
    return prepared.size();
  }

  @Override
  public int submit() {
    if (refusal == 0) {
      prepared.clear();
    }
    return -refusal;
  }

  @Override
  public long takeBack() {
    return prepared.removeLast();
  }

  @Override
  public boolean hasCompletion() {
    return !completions.isEmpty();
  }

  @Override
  public boolean next() {
    if (completions.isEmpty()) {
      return false;
    }
    current = completions.remove();
    return true;
  }

  @Override
  public long userData() {
    return current.userData();
  }

  @Override
  public int result() {
    return current.result();
  }

  @Override
  public void close() {}
}
