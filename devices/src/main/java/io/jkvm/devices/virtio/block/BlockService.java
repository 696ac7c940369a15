// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.engine.DiskEngine;
import io.jkvm.devices.storage.engine.DiskRequest;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.AdaptivePoll;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.ServiceThread;
import io.jkvm.devices.virtio.queue.Virtqueue;
import java.util.function.BooleanSupplier;

/**
 * What the thread of a request queue does: takes what the driver offers, has the engine carry it
 * out, many at a time, and answers what is finished, in any order. It rests, and ends, only when
 * nothing is under way any more: until then the kernel or another thread may use the guest's
 * memory. What is finished after the end was asked for is answered no more.
 */
final class BlockService implements ServiceThread.Body {
  /** How many requests are taken before those under way are looked at again. */
  private static final int MAX_TAKEN = 32;

  /** How many answers may wait for one interrupt while more requests keep coming. */
  private static final int MAX_UNANNOUNCED = 16;

  private final ActiveQueue queue;
  private final Virtqueue rings;
  private final BlockQueue requests;
  private final DiskEngine engine;
  private final RateLimit.Turn turn;
  private final AdaptivePoll poll;
  private final DescriptorChain chain;
  private final BooleanSupplier somethingToDo = this::isSomethingToDo;
  private ServiceThread thread;
  private int unannounced;

  /**
   * Something failed that must not: nothing is served any more, whatever else can be told of it.
   */
  private boolean broken;

  /** The next request has to wait for its turn, and with it all behind it in the ring. */
  private boolean heldBack;

  /** Since when there has been nothing to do; 0 while there is. */
  private long idleSince;

  /** When the last sleep ended; 0 if there was none since there was something to do. */
  private long awakeSince;

  BlockService(
      ActiveQueue queue,
      BlockQueue requests,
      DiskEngine engine,
      RateLimit.Turn turn,
      AdaptivePoll poll) {
    this.queue = queue;
    this.requests = requests;
    this.engine = engine;
    this.turn = turn;
    this.poll = poll;
    rings = queue.rings();
    chain = rings.newChain();
  }

  @Override
  public void serve(ServiceThread self) {
    thread = self;
    try {
      engine.attach(queue.notification());
    } catch (Throwable e) {
      fail(e);
    }
    boolean goesOn = true;
    while (goesOn) {
      try {
        goesOn = serving() ? serveOrSleep() : settle();
      } catch (Throwable e) { // whatever it is, what is under way has to be waited for
        fail(e);
      }
    }
    engine.detach();
  }

  /**
   * Says what is wrong, as far as there is memory for words. Never throws: what is under way has to
   * be waited for.
   */
  private void fail(Throwable e) {
    broken = true;
    String why = "the host failed";
    try {
      if (e instanceof Error) {
        queue.hostFailed((Error) e);
      }
      why = e instanceof GuestFault ? e.getMessage() : e.toString();
    } catch (Throwable again) {
      why = "the host failed, and can't say how";
    }
    try {
      queue.fail(why);
    } catch (Throwable again) {
      return; // it is broken all the same
    }
  }

  private boolean serving() {
    return !broken && thread.mayServe() && !queue.failed();
  }

  private boolean serveOrSleep() throws GuestFault {
    if (step() == 0) {
      idle();
      return true;
    }
    if (awakeSince != 0) {
      poll.waited(idleSince, awakeSince);
      awakeSince = 0;
    }
    idleSince = 0;
    return true;
  }

  /**
   * Answers what is finished and takes what is offered, some of it.
   *
   * @return 0 if there was nothing to do
   */
  int step() throws GuestFault {
    int done = answer();
    int taken = take();
    engine.start();
    done += answer();
    announce();
    return taken + done;
  }

  private int answer() throws GuestFault {
    int done = 0;
    for (DiskRequest slot = engine.complete(); slot != null; slot = engine.complete()) {
      added(requests.finish(slot));
      done++;
    }
    return done;
  }

  private int take() throws GuestFault {
    int taken = 0;
    heldBack = false;
    while (taken < MAX_TAKEN && (thread == null || serving())) {
      DiskRequest slot = engine.acquire();
      if (slot == null) {
        break;
      }
      if (!pollOrRelease(slot)) {
        break;
      }
      int answers = requests.begin(chain, slot);
      if (answers == BlockQueue.HELD_BACK) {
        heldBack = true;
        return taken;
      }
      added(answers);
      taken++;
    }
    turn.leave();
    return taken;
  }

  private boolean pollOrRelease(DiskRequest slot) throws GuestFault {
    boolean polled = false;
    try {
      polled = rings.poll(chain);
      return polled;
    } finally {
      if (!polled) {
        engine.release(slot);
      }
    }
  }

  private void added(int answers) {
    unannounced += answers;
    if (unannounced >= MAX_UNANNOUNCED) {
      announce();
    }
  }

  private void announce() {
    if (unannounced > 0) {
      unannounced = 0;
      queue.announce();
    }
  }

  private boolean isFull() {
    return engine.inFlight() == engine.capacity();
  }

  private boolean isSomethingToDo() {
    return !isFull() && rings.hasPending() || engine.hasCompleted() || !serving();
  }

  private void idle() {
    if (heldBack) {
      sleep(turn.timeoutMilliseconds());
      return;
    }
    if (idleSince == 0) {
      idleSince = poll.now();
    }
    if (poll.look(somethingToDo)) {
      return;
    }
    // Where no more can be taken, a completion comes first: the driver need not notify.
    if (!isFull() && rings.enableNotifications()) {
      rings.disableNotifications();
      return;
    }
    sleep(-1);
    rings.disableNotifications();
    awakeSince = poll.now();
  }

  /**
   * Until a notification, a completion, a command or the queue's turn, each of which the eventfd
   * counts.
   *
   * @param timeoutMilliseconds how long at most; -1 is for ever
   */
  private void sleep(int timeoutMilliseconds) {
    if (!engine.mayNotSleep()) {
      queue.awaitNotification(timeoutMilliseconds);
    }
    engine.awake();
  }

  /**
   * Brings what is under way to its end, for a pause or for good.
   *
   * @return false once the thread may end
   */
  private boolean settle() throws GuestFault {
    turn.leave(); // other queues need not wait for this one
    boolean rest = !broken && thread.mustRest() && !queue.failed();
    int done = 0;
    if (rest) {
      engine.start();
      done = answer();
      announce();
    } else {
      engine.dropUnstarted();
      for (DiskRequest slot = engine.complete(); slot != null; slot = engine.complete()) {
        engine.release(slot);
        done++;
      }
    }
    if (done > 0) {
      return true; // what had no room in the kernel may begin, or be dropped, only now
    }
    if (engine.inFlight() > 0) {
      sleep(-1);
    } else if (rest) {
      thread.park();
    } else {
      return false;
    }
    return true;
  }
}
