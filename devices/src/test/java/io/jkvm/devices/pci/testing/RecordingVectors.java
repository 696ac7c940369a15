// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci.testing;

import io.jkvm.core.irq.MsiVector;
import io.jkvm.core.irq.MsiVectors;
import java.util.ArrayList;
import java.util.List;

/** Message-signalled interrupts that are noted and go nowhere. */
public final class RecordingVectors implements MsiVectors {
  private final List<String> sent = new ArrayList<>();
  private int allocated;

  @Override
  public MsiVector allocate() {
    allocated++;
    return new MsiVector() {
      private long address;
      private int data;

      @Override
      public void setMessage(long newAddress, int newData) {
        synchronized (sent) {
          address = newAddress;
          data = newData;
        }
      }

      @Override
      public void signal() {
        synchronized (sent) {
          sent.add(Long.toHexString(address) + "=" + Integer.toHexString(data));
          sent.notifyAll();
        }
      }
    };
  }

  public int allocated() {
    return allocated;
  }

  /** Messages sent since the last call, as {@code address=data}. */
  public List<String> takeSent() {
    synchronized (sent) {
      List<String> copy = List.copyOf(sent);
      sent.clear();
      return copy;
    }
  }

  /** The same once there is one; empty after the time. */
  public List<String> awaitSent(long milliseconds) throws InterruptedException {
    synchronized (sent) {
      long end = System.nanoTime() + milliseconds * 1_000_000;
      while (sent.isEmpty()) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          break;
        }
        sent.wait(left);
      }
      return takeSent();
    }
  }
}
