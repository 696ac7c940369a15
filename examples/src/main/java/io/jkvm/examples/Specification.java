// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.machine.spec.BootWay;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.LinkSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import io.jkvm.machine.spec.PublishedPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** A machine with two disks, two network cards, two processors and other things not by default. */
public final class Specification {
  private Specification() {}

  /** The machine; no file is opened yet. */
  public static MachineSpec webServer() {
    LinkSpec slow =
        new LinkSpec(OptionalLong.of(10_000_000), 0.01, Duration.ofMillis(20), OptionalLong.of(42));
    return MachineSpec.boot(Path.of("bzImage-smp"))
        .name("web-1")
        .cpus(2)
        .memoryMiB(512)
        .disk(DiskSpec.raw(Path.of("rootfs.img")))
        .disk(DiskSpec.raw(Path.of("data.img")).asReadOnly().withId("data"))
        .card(new NetworkSpec.User(List.of(PublishedPort.tcp(8080, 80))))
        .card(CardSpec.on(new NetworkSpec.Tap("tap0", 1)).withLink(slow))
        .bootWay(BootWay.PVH)
        .commandLine("quiet")
        .entropySource(true)
        .build();
  }
}
