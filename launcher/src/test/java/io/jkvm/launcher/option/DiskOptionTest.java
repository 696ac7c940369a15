// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.DiskTuning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DiskOptionTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "root.img                | root.img    | false | ",
        "root.img,ro             | root.img    | true  | ",
        "/a b/root.img,id=x      | /a b/root.img | false | x",
        "root.img,ro,id=data-1   | root.img    | true  | data-1",
        "root.img,id=data-1,ro   | root.img    | true  | data-1",
        "a,b.img,ro              | a,b.img     | true  | ",
        "a,B                     | a,B         | false | ",
        "root.img,id=a=b         | root.img    | false | a=b",
        "x,id=12345678901234567890 | x         | false | 12345678901234567890",
      })
  void readsTheOptions(String text, String image, boolean readOnly, String id) {
    DiskSpec.Source file = new DiskSpec.Source.RawFile(Path.of(image), false);
    assertEquals(new DiskSpec(file, readOnly, id == null ? "" : id), DiskOption.parse(text));
  }

  @Test
  void rawInsists() {
    DiskSpec.Source file = new DiskSpec.Source.RawFile(Path.of("x"), true);
    assertEquals(new DiskSpec(file, true, ""), DiskOption.parse("x,format=raw,ro"));
  }

  @Test
  void tuning() {
    assertEquals(DiskTuning.DEFAULT, DiskOption.parse("x").tuning());
    assertEquals(DiskTuning.DEFAULT, DiskOption.parse("x,cache=writeback,queues=1").tuning());
    assertEquals(
        new DiskTuning(DiskTuning.Cache.WRITETHROUGH, 4, false, false, 0, 0),
        DiskOption.parse("x,poll=off,ro,cache=writethrough,queues=4").tuning());
    assertEquals(DiskTuning.Cache.UNSAFE, DiskOption.parse("x,cache=unsafe").tuning().cache());
    DiskSpec changed = DiskOption.parse("x,id=a,poll=off").withId("b").asReadOnly();
    assertFalse(changed.tuning().polling());
    assertEquals(
        DiskTuning.DEFAULT.withDirect().withQueues(2),
        DiskOption.parse("x,direct,ro,queues=2").tuning());
    assertTrue(DiskOption.parse("x,cache=unsafe,direct,poll=off").tuning().direct());
  }

  @ParameterizedTest
  @CsvSource({
    "'x,iops=1', 1, 0",
    "'x,iops=1000000000', 1000000000, 0",
    "'x,bps=512', 0, 512",
    "'x,bps=500K', 0, 512000",
    "'x,bps=100MiB,ro', 0, 104857600",
    "'x,iops=20,bps=1T', 20, 1099511627776",
  })
  void limits(String text, long iops, long bytesPerSecond) {
    DiskTuning tuning = DiskOption.parse(text).tuning();
    assertEquals(iops, tuning.iops());
    assertEquals(bytesPerSecond, tuning.bytesPerSecond());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "root.img,poll=maybe     | unknown disk option 'poll=maybe'",
        "x,format=qcow2          | only raw disks are supported; convert the image",
        "''                      | names no file",
        "',ro'                   | names no file",
        "root.img,rw             | unknown disk option 'rw'",
        "root.img,direct=on      | unknown disk option 'direct=on'",
        "root.img,rw             | cache=MODE, queues=N, poll=off, direct, iops=N and bps=SIZE",
        "root.img,cache=none     | there are writeback, writethrough and unsafe",
        "root.img,queues=        | is no number",
        "root.img,queues=-1      | is no number",
        "root.img,queues=0       | a disk has 1 to 64 queues, not 0",
        "root.img,queues=65      | a disk has 1 to 64 queues, not 65",
        "root.img,iops=          | iops=' in 'root.img,iops=' is no number of requests a second",
        "root.img,iops=-1        | is no number of requests",
        "root.img,iops=1K        | is no number of requests",
        "root.img,iops=0         | iops=0' in 'root.img,iops=0' lets nothing through",
        "root.img,iops=1000000001 | to 1000000000 requests a second, not to 1000000001",
        "root.img,iops=9999999999999999999 | is no number of requests",
        "root.img,bps=           | is no number of bytes a second; write bps=512K",
        "root.img,bps=fast       | bps=fast' in 'root.img,bps=fast' is no number of bytes",
        "root.img,bps=0K         | bps=0K' in 'root.img,bps=0K' lets nothing through",
        "root.img,bps=511        | limited to 512 to 1099511627776 bytes a second, not to 511",
        "root.img,bps=2T         | bytes a second, not to 2199023255552",
        "root.img,bps=999999999999999T | bytes a second, not to 9223372036854775807",
        "root.img,ro,snapshot    | unknown disk option 'snapshot'",
        "root.img,id=x,ro,id=y   | id= is there twice in 'root.img,id=x,ro,id=y'",
        "root.img,id=            | names no id",
        "root.img,id=a b         | is not 1 to 20 printable",
        "root.img,id=größe       | is not 1 to 20 printable",
        "x,id=123456789012345678901 | is not 1 to 20 printable",
      })
  void refusesOtherOptions(String text, String why) {
    Exception e = assertThrows(RuntimeException.class, () -> DiskOption.parse(text));
    assertTrue(e.getMessage().contains(why), e.getMessage());
  }

  @Test
  void aFileThatExistsMayHaveAnyName() throws IOException {
    Path odd = Files.createFile(folder.resolve("disk,rw"));
    assertEquals(DiskSpec.raw(odd), DiskOption.parse(odd.toString()));
    assertEquals(DiskSpec.raw(odd).asReadOnly(), DiskOption.parse(odd + ",ro"));
  }
}
