// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class PollSetTest {
  @Test
  void tellsWhichDescriptorIsReady() throws Exception {
    try (EventFd quiet = new EventFd();
        EventFd rung = new EventFd()) {
      PollSet set = new PollSet(3);
      assertEquals(0, set.poll(0), "nothing is watched");
      set.watch(0, quiet.fd().value(), PollSet.READABLE);
      set.watch(2, rung.fd().value(), PollSet.READABLE);
      assertEquals(0, set.poll(1));
      rung.signal();
      assertEquals(1, set.poll(-1));
      assertFalse(set.isReady(0));
      assertFalse(set.isReady(1));
      assertTrue(set.isReady(2));
      set.ignore(2);
      assertEquals(0, set.poll(0));
      assertFalse(set.isReady(2));
      set.watch(1, rung.fd().value(), PollSet.WRITABLE);
      assertEquals(1, set.poll(0));
      assertTrue(set.isReady(1));
    }
  }
}
