// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import io.jkvm.devices.files.nio.JavaTree;
import io.jkvm.devices.virtio.fs.VirtioFs;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.root.GuestRoot;
import io.jkvm.machine.root.RootSpec;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Linux's virtio-fs driver waits for ever for an answer, so an Error must end the machine. */
@RequiresKvm
@Timeout(1200)
class VirtioFsErrorIT {
  @TempDir private Path temporary;

  /** A tree that has no memory when it is asked for its statistics. */
  private static FileTree withoutMemory(JavaTree tree) {
    return (FileTree)
        Proxy.newProxyInstance(
            FileTree.class.getClassLoader(),
            new Class<?>[] {FileTree.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("statistics")) {
                throw new OutOfMemoryError("test");
              }
              try {
                return method.invoke(tree, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void anErrorWhileServingIsTheMachinesEnd() throws Exception {
    FileTree tree = withoutMemory(new JavaTree("broken", temporary));
    KernelSource kernel = KernelSource.of(ProjectFiles.guestImage("bzImage"));
    MachineSpec spec =
        MachineSpec.boot(kernel.image())
            .memoryMiB(128)
            .virtioDevice(() -> new VirtioFs("broken", tree, SharePolicy.writable()))
            .build();
    RootSpec wanted =
        new RootSpec(
            RootSpec.Kind.INITRAMFS,
            Optional.empty(),
            Optional.of("sh"),
            "/work",
            false,
            "/usr/bin:/bin",
            "",
            List.of(),
            List.of());
    String script =
        "mkdir /broken; mount -t virtiofs broken /broken && ls /broken && stat -f /broken";
    GuestCommand command =
        GuestCommand.of("sh", "-c", script).environment(Map.of("PATH", "/usr/bin:/bin"));
    try (GuestRoot root = GuestRoot.make(wanted, kernel, spec);
        Machine machine = Machine.start(root.boot(spec).toBuilder().commandLine("quiet").build())) {
      assertThrows(IOException.class, () -> machine.agent().run(command));
      StopReason reason = machine.awaitStop();
      assertEquals(StopReason.Kind.HOST_FAILURE, reason.kind(), reason.toString());
      String error = "/virtio-fs broken queue 1: java.lang.OutOfMemoryError: test";
      assertTrue(reason.detail().endsWith(error), reason.toString());
    }
  }
}
