// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent.channel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.machine.Machine;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.agent.GuestTask;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.AgentTransport;
import io.jkvm.machine.spec.MachineSpec;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The agent of a real guest that comes by a stream socket: status, much of both streams, the end.
 */
@RequiresKvm
@Execution(ExecutionMode.CONCURRENT)
@Timeout(1200)
class AgentSocketIT {
  private static final Map<String, String> PATH = Map.of("PATH", "/usr/bin:/bin");

  private static RootSpec shell() {
    return new RootSpec(
        RootSpec.Kind.INITRAMFS,
        Optional.empty(),
        Optional.of("sh"),
        "/",
        false,
        "/usr/bin:/bin",
        "",
        List.of(),
        List.of());
  }

  private static GuestCommand sh(String script) {
    return GuestCommand.of("sh", "-c", script).environment(PATH);
  }

  @Test
  void commandsRunOverIt() throws Exception {
    KernelSource kernel = KernelSource.of(ProjectFiles.guestImage("bzImage"));
    MachineSpec asked = MachineSpec.boot(kernel.image()).memoryMiB(64).build();
    try (GuestRoot root = GuestRoot.make(shell(), kernel, asked);
        Machine machine =
            Machine.start(
                root.boot(asked).toBuilder()
                    .agent(AgentTransport.VSOCK)
                    .commandLine("quiet")
                    .build())) {
      GuestAgent agent = machine.agent();
      CommandResult result =
          agent.run(
              sh("[ ! -e /sys/class/virtio-ports/vport1p0 ] || echo port; echo e >&2; exit 3"));
      assertEquals(3, result.status(), result::errorText);
      assertEquals("", result.outputText());
      assertEquals("e\n", result.errorText());
      assertBytesComeBack(agent);
      agent.powerOff();
      machine.awaitStop();
      agent.awaitEnd();
    }
  }

  /** More than any buffer between has room for. */
  private static void assertBytesComeBack(GuestAgent agent) throws Exception {
    byte[] bytes = new byte[1 << 20];
    new Random(7).nextBytes(bytes);
    GuestTask task = agent.start(sh("cat"));
    FutureTask<Void> written =
        new FutureTask<>(
            () -> {
              try (OutputStream input = task.input()) {
                input.write(bytes);
              }
              return null;
            });
    new Thread(written, "test-input").start();
    assertArrayEquals(bytes, task.output().readAllBytes());
    written.get();
    assertEquals(0, task.await().value());
  }
}
