// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernellog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What makes two reports the same. */
class FingerprintTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "WARNING: CPU: 1 PID: 52 at a/b.c:99 f+0x21/0x30|WARNING: CPU: N PID: N at a/b.c:99 f+N/N",
        "BUG: soft lockup - CPU#1 stuck for 22s! [a:7]|BUG: soft lockup - CPU#N stuck for N! [a:N]",
        "address: 0000000000000000|address: N",
        "address 0xdead000000000122: 0000 [#2]|address N: N [#N]",
        "dead beef kmalloc_64 x86 f00|dead beef kmalloc_64 x86 N",
        "UBSAN: shift in lib/thing.rs:12:9|UBSAN: shift in lib/thing.rs:12:N",
      })
  void normalisedTitles(String title, String normal) {
    assertEquals(normal, Fingerprint.normalise(title));
  }

  @ParameterizedTest
  @CsvSource({
    "' put_thing+0x33/0x40', put_thing",
    "'  __mutex_lock.constprop.0+0x3bd/0x7b0 [mod]', __mutex_lock",
    "' [<ffffffff81234567>] old_style+0x1/0x2', old_style",
    "' ? maybe+0x1/0x2', ''",
    "' <TASK>', ''",
    "' 0xffffffff81234567', ''",
    "' dump_stack_lvl+0x44/0x5c', ''",
    "'kmemleak:     [<00000000a1b2c3d4>] leak_it+0x1c/0x40', leak_it",
    "' [<', ''",
  })
  void functionsOfATrace(String text, String name) {
    LogLine line = new LogLine();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    line.set(bytes, 0, bytes.length);
    assertEquals(name, Fingerprint.function(line));
  }

  /** Reports of two runs can be compared. */
  @Test
  void staysTheSame() {
    assertEquals(
        LogFixture.read("warnings").events().get(0).fingerprint(),
        LogFixture.read("warnings").events().get(0).fingerprint());
    assertEquals("fd109fbc87d3b8fc", LogFixture.read("panic").events().get(0).fingerprint());
  }
}
