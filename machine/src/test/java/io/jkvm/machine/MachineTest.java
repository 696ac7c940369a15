// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.testing.RequiresKvm;
import io.jkvm.core.testing.TinyKernel;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.CardSpec;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.NetworkSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A machine from its creation to its end, with a guest that boots in no time. */
@RequiresKvm
class MachineTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @TempDir Path folder;
  private Path kernel;

  @BeforeEach
  void writeKernel() throws IOException {
    kernel = TinyKernel.write(folder);
  }

  private MachineSpecBuilder tiny() {
    return MachineSpec.boot(kernel).memoryMiB(64);
  }

  /** Doubles what is written. */
  private static final class Doubler implements BusDevice {
    final AtomicLong written = new AtomicLong();

    @Override
    public long read(long offset, int size) {
      return 2 * written.get();
    }

    @Override
    public void write(long offset, int size, long value) {
      written.set(value);
    }
  }

  @Test
  void livesFromCreatedToClosed() throws InterruptedException {
    List<MachineState> states = new CopyOnWriteArrayList<>();
    MachineListener listener =
        new MachineListener() {
          @Override
          public void stateChanged(Machine machine, MachineState state) {
            states.add(state);
          }
        };
    Machine machine = Machine.create(tiny().build(), listener);
    assertEquals(MachineState.CREATED, machine.state());
    machine.start();
    assertEquals(MachineState.RUNNING, machine.state());
    machine.console().expect("K", PATIENCE);
    machine.console().send("hello, guest");
    assertEquals("hello, guest", machine.console().expect("guest", PATIENCE));
    machine.console().send("R");
    assertEquals(StopReason.Kind.GUEST_RESET, machine.awaitStop().kind());
    assertEquals(MachineState.STOPPED, machine.state());
    assertEquals(List.of(), machine.closeAndReport());
    assertEquals(MachineState.CLOSED, machine.state());
    assertEquals(List.of(), machine.closeAndReport());
    assertEquals(List.of(MachineState.RUNNING, MachineState.STOPPED, MachineState.CLOSED), states);
  }

  @Test
  void stopsOnRequestOnceAndForOneReason() throws InterruptedException {
    try (Machine machine = Machine.start(tiny().build())) {
      assertTrue(machine.stop());
      assertFalse(machine.stop(new StopReason(StopReason.Kind.TIMEOUT, "late")));
      assertEquals(StopReason.Kind.REQUESTED, machine.awaitStop().kind());
      assertThrows(MachineException.class, machine::start);
    }
  }

  @Test
  void aPortOfOnesOwnAnswers() throws InterruptedException {
    Doubler doubler = new Doubler();
    MachineSpec spec =
        tiny().portDevice(TinyKernel.PORT, 1, "doubler", connections -> doubler).build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("K", PATIENCE);
      machine.console().send("P");
      machine.console().expect("*", PATIENCE); // 42 is an asterisk
      assertEquals(21, doubler.written.get());
    }
  }

  @Test
  void aDeviceThatThrowsEndsItsMachineWithAReason() throws InterruptedException {
    BusDevice broken =
        new BusDevice() {
          @Override
          public long read(long offset, int size) {
            throw new IllegalStateException("out of order");
          }

          @Override
          public void write(long offset, int size, long value) {}
        };
    MachineSpec spec = tiny().portDevice(TinyKernel.PORT, 1, "broken", c -> broken).build();
    try (Machine machine = Machine.start(spec)) {
      machine.console().expect("K", PATIENCE);
      machine.console().send("P");
      StopReason reason = machine.awaitStop();
      assertEquals(StopReason.Kind.VCPU_FAILURE, reason.kind());
      assertTrue(reason.detail().contains("out of order"), reason.detail());
    }
  }

  @Test
  void aListenerThatThrowsHarmsNobody() throws InterruptedException {
    MachineListener broken =
        new MachineListener() {
          @Override
          public void progress(MachineSpec spec, String step) {
            throw new IllegalStateException("progress");
          }

          @Override
          public void stateChanged(Machine machine, MachineState state) {
            throw new IllegalStateException("state");
          }

          @Override
          public void stopped(Machine machine, StopReason reason) {
            throw new IllegalStateException("stopped");
          }
        };
    List<StopReason> told = new CopyOnWriteArrayList<>();
    MachineListener sound =
        new MachineListener() {
          @Override
          public void stopped(Machine machine, StopReason reason) {
            told.add(reason);
          }
        };
    try (Machine machine = Machine.start(tiny().build(), broken, sound)) {
      machine.console().expect("K", PATIENCE);
      machine.console().send("R");
      machine.awaitStop();
    }
    assertEquals(1, told.size());
    assertEquals(StopReason.Kind.GUEST_RESET, told.get(0).kind());
  }

  @Test
  void aListenerMayCloseTheMachineThatStops() throws InterruptedException {
    CountDownLatch closed = new CountDownLatch(1);
    MachineListener closing =
        new MachineListener() {
          @Override
          public void stopped(Machine machine, StopReason reason) {
            assertEquals(MachineState.STOPPED, machine.state());
            assertThrows(MachineException.class, machine::pause);
            machine.close();
          }

          @Override
          public void stateChanged(Machine machine, MachineState state) {
            if (state == MachineState.CLOSED) {
              closed.countDown();
            }
          }
        };
    Machine machine = Machine.start(tiny().build(), closing);
    machine.console().expect("K", PATIENCE);
    machine.console().send("R");
    closed.await();
    assertEquals(MachineState.CLOSED, machine.state());
    assertEquals(List.of(), machine.closeAndReport());
    assertThrows(MachineException.class, machine::powerButton);
    assertThrows(MachineException.class, () -> machine.setLink(0, true));
  }

  @Test
  void aBackendThatThrowsIsAProblemOfTheMachine() {
    NetworkSpec network =
        new NetworkSpec.Custom(
            () -> {
              throw new IOException("no network today");
            });
    MachineException e =
        assertThrows(
            MachineException.class,
            () -> Machine.create(tiny().card(CardSpec.on(network)).build()));
    assertEquals(Problem.NETWORK_FAILED, e.problem());
    assertTrue(e.getMessage().contains("no network today"), e.getMessage());
    DiskSpec disk =
        DiskSpec.custom(
            "mine",
            () -> {
              throw new IllegalStateException("no disk today");
            });
    e = assertThrows(MachineException.class, () -> Machine.create(tiny().disk(disk).build()));
    assertEquals(Problem.DISK_FAILED, e.problem());
    assertTrue(e.getMessage().contains("no disk today"), e.getMessage());
  }

  /** A disk that can't be flushed; of no size, it is refused once it is open. */
  private static final class BrokenDisk extends EmptyDisk implements AutoCloseable {
    private final long capacityBytes;
    boolean closed;

    BrokenDisk(long capacityBytes) {
      super("broken");
      this.capacityBytes = capacityBytes;
    }

    @Override
    public long capacityBytes() {
      return capacityBytes;
    }

    @Override
    public void flush() throws IOException {
      throw new IOException("no room");
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  @Test
  void aBackendThatIsRefusedIsClosed() {
    BrokenDisk disk = new BrokenDisk(0);
    refused(Problem.DISK_FAILED, "0 bytes", tiny().disk(DiskSpec.custom("empty", () -> disk)));
    assertTrue(disk.closed);
  }

  @Test
  void aLastFlushThatFailsIsReported() {
    DiskSpec disk = DiskSpec.custom("full", () -> new BrokenDisk(512));
    Machine machine = Machine.start(tiny().disk(disk).build());
    List<Exception> failures = machine.closeAndReport();
    assertEquals(1, failures.size(), failures.toString());
    assertTrue(failures.get(0).getMessage().endsWith("may be lost: no room"));
  }

  @Test
  void whatIsNotThereIsAProblemWithItsName() throws IOException {
    refused(Problem.KERNEL_ABSENT, "/no/kernel", MachineSpec.boot(Path.of("/no/kernel")));
    Path text = Files.writeString(folder.resolve("text"), "not a kernel at all\n".repeat(100));
    refused(Problem.KERNEL_TEXT, "text", MachineSpec.boot(text));
    refused(Problem.DISK_ABSENT, "/no/disk", tiny().disk(DiskSpec.raw(Path.of("/no/disk"))));
    refused(Problem.KVM_ABSENT, "/no/kvm", tiny().kvmDevice(Path.of("/no/kvm")));
    refused(Problem.KVM_NOT_KVM, "/dev/null", tiny().kvmDevice(Path.of("/dev/null")));
    refused(Problem.MORE_MEMORY_THAN_HOST, "16T of memory", tiny().memoryBytes(1L << 44));
    refused(Problem.INITRD_ABSENT, "/no/initrd", tiny().initrd(Path.of("/no/initrd")));
  }

  private static void refused(Problem problem, String named, MachineSpecBuilder spec) {
    MachineException e = assertThrows(MachineException.class, () -> Machine.create(spec.build()));
    assertEquals(problem, e.problem(), e.getMessage());
    assertTrue(e.getMessage().contains(named), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void expectSaysWhyNothingCame() throws Exception {
    try (Machine machine = Machine.start(tiny().build())) {
      Console console = machine.console();
      console.expect("K", PATIENCE);
      console.send("abc");
      console.expect("abc", PATIENCE);
      MachineException e =
          assertThrows(MachineException.class, () -> console.expect("xyz", Duration.ofMillis(50)));
      assertEquals(Problem.EXPECT, e.problem());
      FutureTask<Object> waiting = new FutureTask<>(() -> console.expect("never", PATIENCE));
      Thread thread = new Thread(waiting, "expect");
      thread.start();
      console.send("R");
      Exception ended = assertThrows(java.util.concurrent.ExecutionException.class, waiting::get);
      assertEquals(Problem.STOPPED, ((MachineException) ended.getCause()).problem());
      assertThrows(MachineException.class, () -> console.send("too late"));
      assertEquals("Kabc", console.output());
      assertEquals("Kab", console.newReader().expect("b", PATIENCE));
    }
  }

  @Test
  void aLogFileHasAllThatWasPrinted() throws Exception {
    Path log = folder.resolve("console.log");
    ConsoleStream stream = ConsoleStream.file(log, e -> {});
    try (Machine machine = Machine.create(tiny().build())) {
      machine.console().attach(stream);
      machine.start();
      machine.console().expect("K", PATIENCE);
      machine.console().send("x".repeat(1000) + "R");
      machine.awaitStop();
    }
    assertTrue(stream.close(PATIENCE));
    assertEquals("K" + "x".repeat(1000), Files.readString(log));
  }

  /** The room that comes when somebody reads is none of a machine's that is gone. */
  @Test
  void aStreamThatIsFullOutlivesItsMachine() throws Exception {
    Path fifo = folder.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    try (RandomAccessFile reader = new RandomAccessFile(fifo.toFile(), "rw");
        ConsoleStream stream = ConsoleStream.file(fifo, e -> {})) {
      try (Machine first = Machine.create(tiny().build())) {
        first.console().attach(stream);
        first.start();
        first.console().send("x".repeat(300_000));
        while (!stream.isFull()) {
          Thread.sleep(10);
        }
      }
      try (Machine second = Machine.create(tiny().build())) {
        second.console().attach(stream);
        assertEquals('K', reader.read());
        while (stream.isFull()) {
          assertEquals('x', reader.read());
        }
        second.start();
        int next = reader.read();
        while (next == 'x') {
          next = reader.read();
        }
        assertEquals('K', next);
        second.console().send("y");
        assertEquals('y', reader.read());
      }
    }
  }

  /** The second vCPU waits for a startup IPI that nobody can send any more. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aGuestThatHaltsWithInterruptsOffIsKnownToBeDead(int cpus) throws InterruptedException {
    try (Machine machine = Machine.start(tiny().cpus(cpus).build())) {
      machine.console().expect("K", PATIENCE);
      machine.console().send("H");
      StopReason reason = machine.awaitStop();
      assertEquals(StopReason.Kind.GUEST_DEAD, reason.kind());
      assertTrue(reason.detail().contains("vCPU 0 at 0x100"), reason.detail());
    }
  }

  @Test
  void namesItsThreads() throws InterruptedException {
    try (Machine machine = Machine.start(tiny().name("unmistakable").build())) {
      machine.console().expect("K", PATIENCE);
      assertTrue(
          Thread.getAllStackTraces().keySet().stream()
              .anyMatch(thread -> thread.getName().equals("unmistakable/vcpu0")));
    }
  }
}
