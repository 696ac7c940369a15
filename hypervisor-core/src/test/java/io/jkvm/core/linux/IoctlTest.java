// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class IoctlTest {
  @Test
  void computesTheWellKnownNumbers() {
    assertEquals(0xae01, Ioctl.io(0xae, 0x01)); // KVM_CREATE_VM
    assertEquals(0xae80, Ioctl.io(0xae, 0x80)); // KVM_RUN
    assertEquals(0x4020ae46, Ioctl.iow(0xae, 0x46, 32)); // KVM_SET_USER_MEMORY_REGION
    assertEquals(0x8138ae83L, Ioctl.ior(0xae, 0x83, 312)); // KVM_GET_SREGS
    assertEquals(0xc008ae05L, Ioctl.iowr(0xae, 0x05, 8)); // KVM_GET_SUPPORTED_CPUID
    assertEquals(0x4008ae61, Ioctl.iow(0xae, 0x61, 8)); // KVM_IRQ_LINE
    assertThrows(IllegalArgumentException.class, () -> Ioctl.iow(0xae, 1, 1 << 14));
  }

  @Test
  void errorsNameTheCallAndTheErrno() {
    LinuxException e =
        assertThrows(LinuxException.class, () -> Fd.open("/no/such/file", Libc.O_RDONLY));
    assertEquals("open /no/such/file: ENOENT (2): No such file or directory", e.getMessage());
    assertEquals("EMFILE", Errno.name(24));
    assertEquals("EOPNOTSUPP", Errno.name(95));
    assertEquals("errno-999", Errno.name(999));
  }

  @Test
  void eventFdCountsAndClears() throws Exception {
    try (EventFd event = new EventFd()) {
      assertEquals(false, event.await(0));
      event.signal();
      event.signal();
      assertTrue(event.await(-1));
      assertEquals(false, event.clear());
    }
  }
}
