// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine;

import io.jkvm.core.lifecycle.StopLatch;
import io.jkvm.core.lifecycle.WorkerThread;
import io.jkvm.devices.console.ConsoleHub;
import io.jkvm.machine.agent.CommandResult;
import io.jkvm.machine.agent.GuestAgent;
import io.jkvm.machine.agent.GuestCommand;
import io.jkvm.machine.assembly.AssembledMachine;
import io.jkvm.machine.assembly.Host;
import io.jkvm.machine.assembly.MachineAssembler;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.MachineStatistics;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.MachineSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.LoggerFactory;

/**
 * A virtual machine. {@link #create} opens and loads everything, {@link #start} lets the guest run,
 * {@link #awaitStop} waits for its end, {@link #close} gives everything back. All methods may be
 * called by any thread; those that change the machine's state wait for each other.
 *
 * <pre>{@code
 * MachineSpec spec = MachineSpec.boot(Path.of("bzImage")).memoryMiB(256).build();
 * try (Machine machine = Machine.start(spec)) {
 *   machine.console().expect("login:", Duration.ofSeconds(20));
 * }
 * }</pre>
 *
 * <h2>Time over a pause</h2>
 *
 * The guest's kvmclock stands still while the machine is paused: a guest with that clock source
 * goes on with the monotonic time that it had, and with a wall clock that is late by the pause. Its
 * TSC runs on, since not every KVM can hold it: with the TSC as clock source the guest sees the
 * pause as time that passed. Either way it is told that it was stopped, for its watchdogs.
 */
public final class Machine implements AutoCloseable {
  private final MachineSpec spec;
  private final Host host;
  private final Listeners listeners;
  private final ConsoleHub hub = new ConsoleHub();
  private final Console console = new Console(this, hub);
  private final StopLatch stop;
  private final AssembledMachine parts;

  /** Held while the state changes; never while waiting for the guest's end. */
  private final LifeLock life = new LifeLock();

  // Written with life held; read by anybody.
  private volatile boolean started;
  private volatile boolean paused;
  private volatile boolean closed;

  private Machine(MachineSpec spec, Host host, MachineListener[] wanted) {
    this.spec = spec;
    this.host = host;
    listeners = new Listeners(spec);
    List.of(wanted).forEach(listeners::add);
    stop = new StopLatch(reason -> LastWords.refine(reason, hub));
    parts = new MachineAssembler(spec, host, listeners, stop, hub).assemble();
    parts.onReceiveRoom(console::roomAvailable);
    stop.onRequest(this::stopRequested);
  }

  /**
   * Makes a machine: opens its files and networks, loads its kernel. No guest code runs yet.
   *
   * @throws MachineException one line saying what is wrong; nothing is left open
   */
  public static Machine create(MachineSpec spec, MachineListener... listeners) {
    return create(spec, new Host(), listeners);
  }

  /** The same with what is known about the host from other machines. */
  public static Machine create(MachineSpec spec, Host host, MachineListener... listeners) {
    return new Machine(spec, host, listeners);
  }

  /** Makes a machine and starts it. */
  public static Machine start(MachineSpec spec, MachineListener... listeners) {
    Machine machine = create(spec, listeners);
    try {
      machine.start();
      return machine;
    } catch (RuntimeException | Error e) {
      machine.close();
      throw e;
    }
  }

  /** The name that the specification gives, for threads, messages and logs. */
  public String name() {
    return spec.name();
  }

  /** What the machine was made from. */
  public MachineSpec spec() {
    return spec;
  }

  /** The serial console. */
  public Console console() {
    return console;
  }

  /** Adds a listener, which is told what happens from now on. */
  public void addListener(MachineListener listener) {
    listeners.add(listener);
  }

  /** Where the machine is in its life; it may have moved on when the caller looks. Never waits. */
  public MachineState state() {
    if (closed) {
      return MachineState.CLOSED;
    }
    if (stop.isRequested()) {
      return MachineState.STOPPED;
    }
    if (!started) {
      return MachineState.CREATED;
    }
    return paused ? MachineState.PAUSED : MachineState.RUNNING;
  }

  /**
   * Lets the guest run. A machine that has been stopped before stays so.
   *
   * @throws MachineException with {@link Problem#STATE} if it was started or closed before, {@link
   *     Problem#HOST_THREADS} if the host gives no thread; the machine is stopped then
   */
  public void start() {
    try {
      locked(
          "start",
          () -> !started && !closed,
          () -> {
            started = true;
            parts.start();
            changed(MachineState.RUNNING);
            return true;
          });
    } catch (OutOfMemoryError e) {
      stop(new StopReason(StopReason.Kind.HOST_FAILURE, String.valueOf(e.getMessage())));
      throw new MachineException(Problem.HOST_THREADS, name() + ": " + e.getMessage(), e);
    }
    listeners.tell();
  }

  /**
   * Brings the guest to a standstill: every vCPU out of the guest with its pending I/O completed,
   * every queue, clock and input thread at rest with nothing in flight. Nothing happens if it is
   * paused already.
   *
   * @throws MachineException with {@link Problem#STATE} if the machine does not run or a vCPU's
   *     thread asks, {@link Problem#PAUSE_TIMEOUT} if a part of it did not come to rest, {@link
   *     Problem#DEVICE} if one failed to; then it runs on
   */
  public void pause() {
    if (parts.isVcpuThread()) {
      throw new MachineException(
          Problem.STATE, "can't pause " + name() + " from a thread of one of its own vCPUs");
    }
    locked(
        "pause",
        () -> started && !closed && !stop.isRequested(),
        () -> {
          if (!paused) {
            parts.pause(name());
            paused = true;
            changed(MachineState.PAUSED);
          }
          return true;
        });
    listeners.tell();
  }

  /** Does what nothing else that changes the machine's state may come between, where allowed. */
  private <T> T locked(String what, BooleanSupplier allowed, Supplier<T> action) {
    return life.during(() -> closed, allowed, action).orElseThrow(() -> wrongState(what));
  }

  /**
   * Lets a paused guest go on; nothing happens if it is not paused. A part that can't go on ends
   * the machine with {@link StopReason.Kind#HOST_FAILURE}.
   */
  public void resume() {
    if (!paused || !life.enter(() -> closed)) {
      return;
    }
    try {
      try {
        if (!paused) {
          return;
        }
        paused = false;
        parts.resume();
        changed(MachineState.RUNNING);
      } finally {
        life.leave();
      }
    } catch (IllegalStateException e) {
      stop(new StopReason(StopReason.Kind.HOST_FAILURE, "a part can't go on: " + e.getMessage()));
    }
    console.roomAvailable();
    listeners.tell();
  }

  /** Notes a new state, with the lock held so that states are told in their order. */
  private void changed(MachineState state) {
    boolean over = state != MachineState.CLOSED && stop.isRequested();
    if (!over) {
      listeners.happened(listener -> listener.stateChanged(this, state));
    }
  }

  /**
   * Presses the ACPI power button.
   *
   * @return true if the guest listens to it; one without ACPI never does
   * @throws MachineException with {@link Problem#STATE} if the machine does not run
   */
  public boolean powerButton() {
    return locked(
        "press the power button of",
        () -> state() == MachineState.RUNNING,
        () -> parts.powerManagement().pressPowerButton());
  }

  /**
   * Plugs the cable of a network card in or out; the guest is told.
   *
   * @param card from 0, in the order of the specification
   * @throws MachineException with {@link Problem#STATE} if the machine is closed, {@link
   *     Problem#NETWORK} if it has no such card
   */
  public void setLink(int card, boolean up) {
    if (card < 0 || card >= spec.cards().size()) {
      throw new MachineException(Problem.NETWORK, name() + " has no network card " + card);
    }
    locked(
        "plug a cable of",
        () -> !closed,
        () -> {
          parts.setLink(card, up);
          return true;
        });
  }

  /**
   * Looks whether a disk's file or device has become larger, and tells the guest, a paused one once
   * it goes on. One that has become smaller is logged once and stays as it was for the guest.
   *
   * @param disk from 0, in the order of the specification
   * @return how large the disk is for the guest now, in bytes
   * @throws MachineException with {@link Problem#STATE} if the machine is closed, {@link
   *     Problem#DISK} if it has no such disk, {@link Problem#DISK_UNMEASURABLE} if the host does
   *     not say, {@link Problem#DISK_FAILED} if a backend of the user's own does not
   */
  public long rescanDisk(int disk) {
    if (disk < 0 || disk >= spec.disks().size()) {
      throw new MachineException(Problem.DISK, name() + " has no disk " + disk);
    }
    if (closed) {
      throw wrongState("rescan a disk of");
    }
    parts.rescanDisk(disk); // without the lock: a host that does not answer holds up nobody else
    return locked("rescan a disk of", () -> !closed, () -> parts.announceDisk(disk));
  }

  /** Pulls the plug; false if the machine had another reason to stop before. */
  public boolean stop() {
    return stop(new StopReason(StopReason.Kind.REQUESTED, ""));
  }

  /** Pulls the plug for a reason of the caller's. */
  public boolean stop(StopReason reason) {
    return stop.request(reason.toCore());
  }

  /** Why the machine stopped, once it has. */
  public Optional<StopReason> stopReason() {
    return stop.reason().map(StopReason::of);
  }

  /** What the guest has left at port 0x608, 0 to 255: of the default guest, a command's failure. */
  public OptionalInt exitStatus() {
    return parts.exitStatus().status();
  }

  /** Waits until the machine stops. */
  public StopReason awaitStop() throws InterruptedException {
    return StopReason.of(stop.await());
  }

  /** Waits for a limited time; empty if the machine still runs then. */
  public Optional<StopReason> awaitStop(Duration timeout) throws InterruptedException {
    return stop.await(Durations.nanoseconds(timeout), TimeUnit.NANOSECONDS).map(StopReason::of);
  }

  /** What the machine has done so far. */
  public MachineStatistics statistics() {
    return parts.statistics(hub.written());
  }

  /**
   * Stops the machine if it runs, flushes its disks and gives everything back. Closing again does
   * nothing. Called on a thread of a machine's own, as in {@link MachineListener#stopped} or in a
   * device or backend of the user's, it returns at once and another thread closes the machine.
   *
   * @return what failed at the end, such as the last flush of a disk; as a rule nothing
   */
  public List<Exception> closeAndReport() {
    stop(); // before the lock: a pause or a resume must not wait for a guest that hangs
    if (WorkerThread.isCurrentAny()) {
      Thread closer = new Thread(this::close, name() + "/close");
      closer.setDaemon(true);
      closer.start();
      return List.of();
    }
    List<Exception> failures;
    life.enterToClose();
    try {
      if (closed) {
        return List.of();
      }
      closed = true;
      failures = parts.close();
      hub.close();
      changed(MachineState.CLOSED);
    } finally {
      life.leave();
    }
    listeners.tell();
    return failures;
  }

  /** {@link #closeAndReport} for those who read logs. */
  @Override
  public void close() {
    closeAndReport().forEach(e -> LoggerFactory.getLogger(name()).error("{}", e.getMessage()));
  }

  /** A new machine like this one, made with what is known about the host. */
  public Machine createAgain(MachineListener... listeners) {
    return create(spec, host, listeners);
  }

  /** Gives the serial port what it takes now; called by the console. */
  int receive(byte[] bytes, int from, int length) {
    return parts.receive(bytes, from, length);
  }

  boolean receiveBreak() {
    return parts.receiveBreak();
  }

  /**
   * The program in the guest that runs commands.
   *
   * @throws MachineException with {@link Problem#STATE} if the specification does not ask for one
   */
  public GuestAgent agent() {
    return parts
        .agent()
        .orElseThrow(
            () -> new MachineException(Problem.STATE, name() + " was made without an agent"));
  }

  /** Runs a command of the guest to its end, without input: {@link GuestAgent#run}. */
  public CommandResult exec(String... command) throws IOException, InterruptedException {
    return agent().run(GuestCommand.of(command));
  }

  private void stopRequested() {
    console.machineStopped();
    StopReason reason = stopReason().orElseThrow();
    parts.agent().ifPresent(agent -> agent.end(name() + " stopped: " + reason));
    listeners.happened(listener -> listener.stopped(this, reason));
    listeners.happened(listener -> listener.stateChanged(this, MachineState.STOPPED));
    listeners.tell();
  }

  private MachineException wrongState(String what) {
    return new MachineException(
        Problem.STATE,
        "can't " + what + " " + name() + ": it is " + state().name().toLowerCase(Locale.ROOT));
  }
}
