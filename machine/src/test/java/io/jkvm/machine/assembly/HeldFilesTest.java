// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.ConsoleStream;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.LinkSpec;
import io.jkvm.machine.spec.MacAddress;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.VirtualSwitch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guest puts other things where the files of the next machine are to be. */
@Timeout(300)
class HeldFilesTest {
  @TempDir Path folder;

  private Path shared;
  private Path secret;

  @BeforeEach
  void makeFiles() throws IOException {
    shared = Files.createDirectory(folder.resolve("shared"));
    secret = Files.writeString(folder.resolve("secret"), "secret");
    for (String name : new String[] {"kernel", "disk", "initrd"}) {
      Files.writeString(shared.resolve(name), name);
    }
  }

  private MachineSpec spec() {
    CardSpec card =
        new CardSpec(
            new NetworkSpec.Switch(new VirtualSwitch("lan")),
            MacAddress.random(),
            OptionalInt.empty(),
            Optional.of(shared.resolve("capture")),
            LinkSpec.PERFECT);
    return MachineSpec.boot(shared.resolve("kernel"))
        .initrd(shared.resolve("initrd"))
        .disk(DiskSpec.raw(shared.resolve("disk")))
        .card(card)
        .build();
  }

  private static Path opened(MachineSpec spec) {
    return ((DiskSpec.Source.RawFile) spec.disks().get(0).source()).opened();
  }

  private void becomesLink(String name) throws IOException {
    Files.deleteIfExists(shared.resolve(name));
    Files.createSymbolicLink(shared.resolve(name), secret);
  }

  @Test
  void theNextMachineHasTheSameFiles() throws IOException {
    try (HeldFiles held = new HeldFiles()) {
      held.hold(spec());
      for (String name : new String[] {"kernel", "disk", "initrd", "capture"}) {
        becomesLink(name);
      }
      MachineSpec next = held.hold(spec());
      assertEquals("kernel", Files.readString(next.kernel()));
      assertEquals("initrd", Files.readString(next.initrds().get(0)));
      assertEquals("disk", Files.readString(opened(next)));
      Files.writeString(next.cards().get(0).capture().orElseThrow(), "frames");
      assertEquals("secret", Files.readString(secret));
      // What is told of it has its name.
      assertEquals(
          shared.resolve("disk"), ((DiskSpec.Source.RawFile) next.disks().get(0).source()).path());
      assertEquals(
          "disk " + shared.resolve("disk") + ": gone",
          held.named("disk " + opened(next) + ": gone"));
      MachineException e =
          held.named(
              new MachineException(
                  Problem.KERNEL_UNREADABLE, next.kernel().toString(), "x " + next.kernel(), null));
      assertEquals(shared.resolve("kernel").toString(), e.subject());
      assertEquals("x " + shared.resolve("kernel"), e.getMessage());
      assertEquals(next.kernel(), held.hold(next).kernel());
    }
  }

  @Test
  void whatIsNotThereIsLeftToTheMachine() throws IOException {
    Files.delete(shared.resolve("disk"));
    try (HeldFiles held = new HeldFiles()) {
      assertEquals(shared.resolve("disk"), opened(held.hold(spec())));
    }
  }

  /** Neither a link, nor a pipe without a reader, nor another directory in its place. */
  @Test
  void aLogIsMadeWhereItsDirectoryWas() throws Exception {
    Path moved = folder.resolve("moved");
    Path other = Files.createDirectory(folder.resolve("other"));
    try (HeldFiles held = new HeldFiles()) {
      held.inHeldDirectory(shared.resolve("log-1"));
      becomesLink("log-2");
      String pipe = shared.resolve("log-3").toString();
      assertEquals(0, new ProcessBuilder("mkfifo", pipe).start().waitFor());
      Files.move(shared, moved);
      Files.createSymbolicLink(shared, other);
      for (String name : new String[] {"log-2", "log-3", "log-4"}) {
        Path log = held.inHeldDirectory(shared.resolve(name));
        ConsoleStream.newFile(log, e -> {}).close(Duration.ofMinutes(1));
        assertTrue(Files.isRegularFile(moved.resolve(name), LinkOption.NOFOLLOW_LINKS), name);
        assertFalse(Files.exists(other.resolve(name)));
      }
      assertEquals("secret", Files.readString(secret));
    }
  }
}
