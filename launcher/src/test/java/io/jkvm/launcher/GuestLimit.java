// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * No more guests at a time than processors and one, as a guest waits for something some of its
 * time: what {@link Guests} asks for.
 */
final class GuestLimit implements BeforeEachCallback, AfterEachCallback {
  /** Most that a test asks for, which is what there is on a machine with fewer processors. */
  private static final int MOST = 2;

  private static final int GUESTS = Math.max(MOST, Runtime.getRuntime().availableProcessors() + 1);

  private static final GuestLimit ALL = new GuestLimit();

  private int free = GUESTS;
  private long nextTicket;
  private long nowServing;

  private static int guests(ExtensionContext context) {
    return AnnotationSupport.findAnnotation(context.getRequiredTestMethod(), Guests.class)
        .or(() -> AnnotationSupport.findAnnotation(context.getRequiredTestClass(), Guests.class))
        .orElseThrow()
        .value();
  }

  /**
   * All of them at once, as two tests that have one of their two each would wait for ever; and in
   * the order of asking, or those of two would come last, one after the other.
   */
  private synchronized void take(int guests) throws InterruptedException {
    long ticket = nextTicket++;
    while (ticket != nowServing || free < guests) {
      wait();
    }
    nowServing++;
    free -= guests;
    notifyAll();
  }

  private synchronized void giveBack(int guests) {
    free += guests;
    notifyAll();
  }

  @Override
  public void beforeEach(ExtensionContext context) throws InterruptedException {
    ALL.take(guests(context));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    ALL.giveBack(guests(context));
  }
}
