// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/**
 * The one place where a VM's end is decided: the first reason given wins. Devices, vCPUs, signal
 * handlers and the user all ask here, from any thread.
 */
public final class StopLatch {
  private final AtomicReference<StopReason> reason = new AtomicReference<>();
  private final UnaryOperator<StopReason> refine;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /** A latch that takes reasons as they are given. */
  public StopLatch() {
    this(UnaryOperator.identity());
  }

  /**
   * A latch that knows better.
   *
   * @param refine gives the reason its final form, as for a reset that was a panic; called by
   *     whoever asks for the stop, before the reason is seen by anybody
   */
  public StopLatch(UnaryOperator<StopReason> refine) {
    this.refine = refine;
  }

  /** Asks for the stop; false if another reason came first. Never blocks. */
  public boolean request(StopReason why) {
    if (isRequested() || !reason.compareAndSet(null, refine.apply(why))) {
      return false;
    }
    stopped.countDown();
    listeners.forEach(Runnable::run);
    return true;
  }

  /** Asks for the stop with a kind and a detail. */
  public boolean request(StopReason.Kind kind, String detail) {
    return request(new StopReason(kind, detail));
  }

  /** True once a stop was asked for. */
  public boolean isRequested() {
    return reason.get() != null;
  }

  /** The reason, once there is one. */
  public Optional<StopReason> reason() {
    return Optional.ofNullable(reason.get());
  }

  /** Runs {@code listener} in the thread that asks for the stop, or now if that has happened. */
  public void onRequest(Runnable listener) {
    listeners.add(listener);
    if (isRequested()) {
      listener.run();
    }
  }

  /** Waits for a reason. */
  public StopReason await() throws InterruptedException {
    stopped.await();
    return reason.get();
  }

  /** Waits for a reason for a limited time. */
  public Optional<StopReason> await(long timeout, TimeUnit unit) throws InterruptedException {
    return stopped.await(timeout, unit) ? reason() : Optional.empty();
  }
}
