// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Machine;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtioTransport;
import io.jkvm.machine.spec.VirtualSwitch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The benchmark's guest (guest-images/bench) runs its steps here and notices wrong data. */
@RequiresKvm
@Guests
class BenchGuestIT {
  private static final long PATTERN_STEP = 0x9E3779B97F4A7C15L;
  private static final int DISK_BYTES = 8 << 20;
  private static final int BLOCK_BYTES = 4096;
  private static final Pattern RESULT =
      Pattern.compile("result (\\S+) (\\d+) (\\d+) (\\d+) (\\d+) (\\d+) (\\d+)");

  @TempDir Path folder;
  private Path disk;

  @BeforeEach
  void writePattern() throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(DISK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long word = 1; bytes.hasRemaining(); word++) {
      bytes.putLong(word * PATTERN_STEP);
    }
    disk = Files.write(folder.resolve("disk.img"), bytes.array());
  }

  private JkvmProcess.Result run(String steps) throws Exception {
    return JkvmProcess.run(
        "--virtio=mmio",
        "--kernel",
        ProjectFiles.guestImage("bench.elf").toString(),
        "--disk",
        disk.toString(),
        "--cmdline-only",
        "bench.steps=" + steps);
  }

  @Test
  void everyKindOfStepGivesItsResult() throws Exception {
    JkvmProcess.Result result =
        run(
            "port,a,50;mmio,b,50;notify,c,50;disk,d,100,random,4096,1,100,0;"
                + "disk,e,100,random,4096,128,1000,0;disk,f,100,sequential,1048576,4,8,0;"
                + "disk,g,70,random,65536,32,100,10;disk,h,0,sequential,512,8,100,2");
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("bench: " + DISK_BYTES / 512 + " sectors"), result::toString);
    assertTrue(result.out().stripTrailing().endsWith("end"), result::toString);
    StringBuilder steps = new StringBuilder();
    Matcher line = RESULT.matcher(result.out());
    while (line.find()) {
      steps.append(line.group(1)).append(line.group(3)).append(' ');
      assertTrue(Long.parseLong(line.group(2)) > 0, result::toString);
    }
    assertEquals("a50 b50 c50 d100 e1000 f8 g100 h100 ", steps.toString(), result::toString);
  }

  @Test
  void framesAreTakenAndComeBack() throws Exception {
    VirtualSwitch lan = new VirtualSwitch("bench");
    EchoingNetwork network = new EchoingNetwork();
    MachineSpec spec =
        MachineSpec.boot(ProjectFiles.guestImage("bench.elf"))
            .transport(VirtioTransport.MMIO)
            .disk(DiskSpec.raw(disk))
            .card(CardSpec.on(new NetworkSpec.Switch(lan)))
            .commandLineOnly("bench.steps=flood,f,60,64,2000;echo,a,60,1,200;echo,b,1514,16,1000")
            .build();
    try (AutoCloseable connection = lan.connect(network);
        Machine machine = Machine.start(spec)) {
      machine.awaitStop();
      String output = machine.console().output();
      String done =
          RESULT
              .matcher(output)
              .results()
              .map(m -> m.group(1) + m.group(3) + " ")
              .reduce("", String::concat);
      assertEquals("f2000 a200 b1000 ", done, output);
      assertEquals(3200, network.frames(), "frames that " + connection + " had");
    }
  }

  @Test
  void whatTheGuestWritesIsInTheSecondHalfOfTheFile() throws Exception {
    JkvmProcess.Result result = run("disk,w,0,random,4096,32,300,7");
    assertEquals(0, result.status(), result::toString);
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(disk)).order(ByteOrder.LITTLE_ENDIAN);
    Set<Long> tags = new HashSet<>();
    int written = 0;
    for (int block = 0; block < DISK_BYTES; block += BLOCK_BYTES) {
      Set<Long> here = new HashSet<>();
      for (int at = block; at < block + BLOCK_BYTES; at += Long.BYTES) {
        here.add(bytes.getLong(at) - (at / Long.BYTES + 1) * PATTERN_STEP);
      }
      assertEquals(1, here.size(), "block at " + block);
      if (!here.equals(Set.of(0L))) {
        assertTrue(block >= DISK_BYTES / 2, "block at " + block);
        written++;
        tags.addAll(here);
      }
    }
    assertEquals(300 - 300 / 7, written);
    assertEquals(1, tags.size());
  }

  @Test
  void wrongDataEndsTheRun() throws Exception {
    byte[] bytes = Files.readAllBytes(disk);
    int wrong = 123 * BLOCK_BYTES + BLOCK_BYTES - 1;
    bytes[wrong] ^= 1;
    Files.write(disk, bytes);
    JkvmProcess.Result result = run("disk,r,100,random,4096,8,1024,0;port,never,1");
    assertEquals(0, result.status(), result::toString);
    String fail = "FAIL r: wrong data at byte " + (wrong - wrong % Long.BYTES);
    assertTrue(result.out().contains(fail), result::toString);
    assertEquals(List.of(), RESULT.matcher(result.out()).results().toList(), result::toString);
  }
}
