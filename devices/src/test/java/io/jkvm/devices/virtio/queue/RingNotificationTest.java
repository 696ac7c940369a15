// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.queue;

import static io.jkvm.devices.virtio.testing.Buffer.in;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(300)
class RingNotificationTest extends RingFixture {
  @Test
  void interruptFlagWithoutEventIndex() throws GuestFault {
    Virtqueue queue = driver.device(false, true);
    assertFalse(queue.needsInterrupt());
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt());
    assertFalse(queue.needsInterrupt());
    driver.availFlags(1);
    queue.addUsed(0, 0);
    assertFalse(queue.needsInterrupt());
    driver.availFlags(0xfffe);
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt());
  }

  @Test
  void interruptWithEventIndex() throws GuestFault {
    Virtqueue queue = driver.device();
    driver.availFlags(1); // must be ignored with the event index (section 2.7.7.2)
    driver.usedEvent(0);
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt());
    assertFalse(queue.needsInterrupt());
    driver.usedEvent(3);
    for (int i = 2; i <= 6; i++) {
      queue.addUsed(0, 0);
      assertEquals(i == 4, queue.needsInterrupt(), "after " + i);
    }
    driver.usedEvent(7);
    queue.addUsed(0, 0);
    queue.addUsed(0, 0);
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt(), "passed in one step");
  }

  @Test
  void eventIndexWraps() throws GuestFault {
    Virtqueue queue = driver.device();
    driver.usedEvent(0x8000);
    for (int i = 0; i < 0xffff; i++) {
      queue.addUsed(0, 0);
      assertEquals(i == 0x8000, queue.needsInterrupt(), "" + i);
    }
    driver.usedEvent(0xffff);
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt());
    driver.usedEvent(0);
    queue.addUsed(0, 0);
    assertTrue(queue.needsInterrupt());
  }

  @Test
  void notificationsWithoutEventIndex() throws GuestFault {
    Virtqueue queue = driver.device(false, true);
    queue.disableNotifications();
    assertEquals(1, driver.usedFlags());
    assertFalse(queue.enableNotifications());
    assertEquals(0, driver.usedFlags());
    driver.add(in(DATA, 1));
    assertTrue(queue.enableNotifications());
  }

  @Test
  void notificationsWithEventIndex() throws GuestFault {
    Virtqueue queue = driver.device();
    assertFalse(queue.enableNotifications());
    assertEquals(0, driver.availEvent());
    driver.add(in(DATA, 1));
    queue.disableNotifications();
    assertEquals(0, driver.usedFlags());
    poll(queue);
    assertEquals(0, driver.availEvent());
    assertFalse(queue.enableNotifications());
    assertEquals(1, driver.availEvent());
    driver.add(in(DATA, 1));
    assertTrue(queue.enableNotifications(), "a request between the last poll and the enabling");
  }
}
