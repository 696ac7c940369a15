// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.tables;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.layout.X86Layout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Reads the table as drivers/firmware/dmi_scan.c of Linux does. */
class SmbiosTest {
  @Test
  void aGuestReadsThatItIsJkvm() throws Exception {
    try (GuestMemory memory = GuestMemory.allocate(1 << 20)) {
      Smbios.write(memory);
      byte[] entry = new byte[24];
      memory.read(X86Layout.SMBIOS, entry, 0, entry.length);
      assertEquals("_SM3_", new String(entry, 0, 5, StandardCharsets.US_ASCII));
      byte sum = 0;
      for (byte b : entry) {
        sum += b;
      }
      assertEquals(0, sum);
      assertEquals(0, X86Layout.SMBIOS % 16);
      long at = memory.readU64(X86Layout.SMBIOS + 16);
      long end = at + memory.readU32(X86Layout.SMBIOS + 12);
      List<String> found = new ArrayList<>();
      for (int type = -1; type != 127; ) {
        type = memory.readU8(at);
        long strings = at + memory.readU8(at + 1);
        at = strings;
        while (memory.readU8(at) != 0 || memory.readU8(at + 1) != 0) {
          at++;
        }
        byte[] text = new byte[(int) (at - strings)];
        memory.read(strings, text, 0, text.length);
        found.add(type + " " + new String(text, StandardCharsets.US_ASCII).replace('\0', '|'));
        at += 2;
      }
      assertEquals(List.of("0 jkvm|0.1|01/01/2026", "1 jkvm|jkvm", "127 "), found);
      assertEquals(end, at);
    }
  }
}
