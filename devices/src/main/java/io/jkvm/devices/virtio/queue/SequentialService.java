// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import io.jkvm.core.memory.GuestFault;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * A thread that waits for the driver's notification, serves one request after the other, and tells
 * the driver. A request that its handler puts off holds up those behind it, and nothing else.
 */
public final class SequentialService implements QueueService {
  /** How many answers may wait for one interrupt while more requests keep coming. */
  private static final int MAX_UNANNOUNCED = 16;

  private final ActiveQueue queue;
  private final Virtqueue rings;
  private final DescriptorChain request;
  private final RequestHandler handler;
  private final ServiceThread thread;

  /** The request is one that the handler put off. Of the thread only. */
  private boolean putOff;

  /** Guarded by itself. */
  private final List<Runnable> afterwards = new ArrayList<>();

  /** Written with the list's monitor held; most requests have nothing behind them. */
  private volatile boolean hasAfterwards;

  /** A service that is not started yet; its thread has the queue's name. */
  public SequentialService(ActiveQueue queue, RequestHandler handler) {
    this.queue = queue;
    this.handler = handler;
    rings = queue.rings();
    request = rings.newChain();
    thread =
        new ServiceThread(
            queue,
            new ServiceThread.Body() {
              @Override
              public void serve(ServiceThread self) {
                run();
              }

              @Override
              public void ended() {
                runAfterwards();
              }
            });
  }

  RequestHandler handler() {
    return handler;
  }

  @Override
  public void start() {
    thread.start();
  }

  /**
   * What the handler put a request off for may have come: it is asked again. Calls are not lost,
   * also if the handler is just about to put the request off, and do nothing before the start and
   * after the end. For any thread, the handler's too, where it gives pause and stop a chance.
   */
  public void tryAgain() {
    thread.wake();
  }

  /**
   * Runs something once all requests that are there now are served, on the queue's thread; or at
   * once if nothing is served, as before the start, in a pause and after the end. A pause and the
   * end leave requests unserved, and run it all the same. It must not wait. For any thread.
   */
  public void afterPending(Runnable action) {
    if (!thread.whileServing(() -> addAfterwards(action))) {
      action.run();
    }
  }

  private void addAfterwards(Runnable action) {
    synchronized (afterwards) {
      afterwards.add(action);
      hasAfterwards = true;
    }
  }

  @Override
  public void requestPause() {
    thread.requestPause();
  }

  @Override
  public boolean awaitPaused(long milliseconds) {
    return thread.awaitPaused(milliseconds);
  }

  @Override
  public void resume() {
    thread.resume();
  }

  @Override
  public void requestStop() {
    thread.requestStop();
  }

  @Override
  public boolean awaitStopped(long milliseconds) {
    return thread.awaitStopped(milliseconds);
  }

  private void run() {
    try {
      while (mayServe()) {
        drain();
        if (!putOff) {
          runAfterwards();
        }
        if (serving()) {
          queue.awaitNotification(-1);
        }
      }
    } catch (GuestFault | IOException e) {
      queue.fail(e.getMessage());
    } catch (Error e) {
      queue.hostFailed(e);
      queue.fail(e.toString());
    } catch (Throwable e) { // a handler may throw what it does not declare
      queue.fail(e.toString());
    }
  }

  private void runAfterwards() {
    if (!hasAfterwards) {
      return;
    }
    List<Runnable> actions;
    synchronized (afterwards) {
      actions = List.copyOf(afterwards);
      afterwards.clear();
      hasAfterwards = false;
    }
    actions.forEach(Runnable::run);
  }

  /** Returns false once it is time to end; a pause is spent in here. */
  private boolean mayServe() {
    if (thread.mustRest()) {
      runAfterwards();
      thread.park();
    }
    return !thread.mustEnd() && !queue.failed();
  }

  private boolean serving() {
    return thread.mayServe() && !queue.failed();
  }

  private void drain() throws GuestFault, IOException {
    do {
      rings.disableNotifications();
      int unannounced = 0;
      while (serving() && (putOff || rings.poll(request))) {
        long written = handler.process(request);
        putOff = written == RequestHandler.PUT_OFF;
        if (putOff) {
          break;
        }
        rings.addUsed(request.head(), written);
        if (++unannounced == MAX_UNANNOUNCED) {
          queue.announce();
          unannounced = 0;
        }
      }
      if (unannounced > 0) {
        queue.announce();
      }
      // While one is put off, no other can be served: the driver need not notify.
    } while (serving() && !putOff && rings.enableNotifications());
  }
}
