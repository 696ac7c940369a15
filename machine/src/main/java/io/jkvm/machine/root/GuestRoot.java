// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.core.linux.Credentials;
import io.jkvm.machine.agent.AgentProgram;
import io.jkvm.machine.agent.GuestMounts;
import io.jkvm.machine.initramfs.CommandFinder;
import io.jkvm.machine.initramfs.GuestPath;
import io.jkvm.machine.initramfs.InitramfsBuilder;
import io.jkvm.machine.kernel.AgentModules;
import io.jkvm.machine.kernel.KernelSource;
import io.jkvm.machine.kernel.Purpose;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import io.jkvm.machine.spec.AgentTransport;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.MachineSpecBuilder;
import io.jkvm.machine.spec.ShareProtocol;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The initramfs of a run: the agent as init, the modules that it needs, and the root's files. It
 * has no name in the host's file system while it is used, so nothing is left behind however the
 * process ends.
 */
public final class GuestRoot implements AutoCloseable {
  /** Where the agent is: docs/agent-protocol.md, "As init". */
  private static final String AGENT = "/.jkvm/agent";

  /** To free its archive takes the kernel a while, page by page; a small one may as well stay. */
  private static final int KEPT_PART_OF_MEMORY = 16;

  /** What the agent is to put into an image's root: docs/agent-protocol.md, "As init". */
  private static final String CARRIED = "/.jkvm/carried";

  private static final String LINKS = "/.jkvm/links";
  private static final String BUSYBOX_IN_GUEST = "/bin/busybox";
  private static final List<Path> BUSYBOX =
      List.of(Path.of("/bin/busybox"), Path.of("/usr/bin/busybox"));

  /** The superuser's own directory is no way for others. */
  private static final String HOME_OF_ROOT = "/root";

  private static final int EVERYBODYS = 01777;

  private final RootSpec spec;
  private final AnonymousFile file;
  private final long size;
  private final Set<Purpose> purposes;
  private final ModulePacking modules;
  private final ShareMounts shares;
  private final AgentTransport transport;
  private final List<String> notes;

  private GuestRoot(
      RootSpec spec,
      AnonymousFile file,
      long size,
      Set<Purpose> purposes,
      ModulePacking modules,
      ShareMounts shares,
      AgentTransport transport,
      List<String> notes) {
    this.spec = spec;
    this.file = file;
    this.size = size;
    this.purposes = purposes;
    this.modules = modules;
    this.shares = shares;
    this.transport = transport;
    this.notes = List.copyOf(notes);
  }

  /**
   * Makes the initramfs for a kernel.
   *
   * @param machine that is to have it, or one with the same devices: their drivers are put in
   * @throws MachineException with {@link Problem#INITRD_UNREADABLE} if a file can't be read, with
   *     problems of modules if one that is asked for can't, with {@link Problem#SHARE} and {@link
   *     Problem#SHARE_TWICE} if a share has a place that can't be
   */
  public static GuestRoot make(RootSpec spec, KernelSource kernel, MachineSpec machine) {
    return make(spec, kernel, machine, KernelShares.of(kernel));
  }

  /** The same, with what is known of the kernel already. */
  public static GuestRoot make(
      RootSpec spec, KernelSource kernel, MachineSpec machine, KernelShares known) {
    ShareMounts shares = new ShareMounts(spec, protocol(spec, known), Files::isExecutable);
    try {
      List<String> notes = new ArrayList<>();
      InitramfsBuilder builder = builder(spec);
      boolean wantsCommands = false;
      if (spec.kind() == RootSpec.Kind.DIRECTORY) {
        builder.packDirectory(spec.source().orElseThrow());
      } else if (spec.kind() == RootSpec.Kind.INITRAMFS) {
        wantsCommands = addCommand(builder, spec);
        addDirectory(builder, spec);
      }
      addIncludes(builder, spec);
      if (spec.kind() == RootSpec.Kind.HOST) {
        boolean ofRoot = Credentials.effectiveUserId() == 0;
        HostEtc etc = new HostEtc(spec.source().orElseThrow(), machine, Files::isReadable, ofRoot);
        etc.addTo(builder, CARRIED + "/given");
      }
      if (wantsCommands) {
        addBusybox(builder);
      }
      builder.standardLayout();
      builder.file(AGENT, 0755, AgentProgram.bytes());
      String top = spec.kind().isBelowOverlay() ? CARRIED + "/paths" : "";
      ModulePacking modules = new ModulePacking(kernel, builder, top);
      Set<Purpose> purposes = spec.purposes(machine);
      List<String> wishes = new ArrayList<>(AgentModules.names(purposes));
      if (spec.kind() == RootSpec.Kind.IMAGE) {
        wishes.addAll(ImageFileSystem.modules(spec.source().orElseThrow()));
      }
      notes.addAll(modules.pack(spec.modules(), wishes));
      notes.addAll(builder.notes());
      AgentTransport transport = known.agentTransport();
      long size = builder.size();
      AnonymousFile file = AnonymousFile.of(size, builder::write);
      return new GuestRoot(spec, file, size, purposes, modules, shares, transport, notes);
    } catch (IOException e) {
      throw new MachineException(
          Problem.INITRD_UNREADABLE, "the guest's root: " + e.getMessage(), e);
    }
  }

  /** A kernel of which nothing is known is taken for one that has the better protocol. */
  private static ShareProtocol protocol(RootSpec spec, KernelShares known) {
    if (spec.kind() != RootSpec.Kind.HOST && spec.shares().isEmpty()) {
      return ShareProtocol.VIRTIO_FS;
    }
    return known.protocol().orElse(ShareProtocol.VIRTIO_FS);
  }

  private static InitramfsBuilder builder(RootSpec spec) {
    return new InitramfsBuilder(spec.searchPath(), spec.libraryPath());
  }

  private static void addIncludes(InitramfsBuilder builder, RootSpec spec) throws IOException {
    boolean isCarried = spec.kind().isBelowOverlay();
    InitramfsBuilder included = isCarried ? builder(spec) : builder;
    for (RootSpec.Include include : spec.includes()) {
      if (include.guest().isEmpty()) {
        included.include(include.host());
      } else {
        included.include(include.host(), include.guest());
      }
    }
    if (isCarried) {
      builder.carry(CARRIED, included);
    }
  }

  /** Where the command runs: on the host it was its user's, who is another one in the guest. */
  private static void addDirectory(InitramfsBuilder builder, RootSpec spec) throws IOException {
    if (!spec.otherUser()) {
      builder.directory(spec.directory(), 0755);
      return;
    }
    builder.directory(spec.directory(), EVERYBODYS);
    if (spec.directory().startsWith(HOME_OF_ROOT + "/")) {
      builder.directory(HOME_OF_ROOT, 0755);
    }
  }

  /** Adds the command, and tells whether it may want others. */
  private static boolean addCommand(InitramfsBuilder builder, RootSpec spec) throws IOException {
    if (spec.command().isEmpty()) {
      return true;
    }
    CommandFinder finder = new CommandFinder(Path.of("").toAbsolutePath(), spec.searchPath());
    CommandFinder.Result found = finder.find(spec.command().get());
    if (found.host().isEmpty()) {
      return true; // the guest says so, or has one of its own
    }
    Path host = found.host().get();
    GuestPath guest = found.guest().orElseThrow();
    if (found.kind() == CommandFinder.Kind.FOUND) {
      builder.include(host, guest);
      return ChildPrograms.mayBeStartedBy(host, spec.libraryPath());
    }
    if (!Files.isDirectory(host)) {
      // Something that the guest can't execute either, for its own words.
      builder.file(guest.toString(), 0644, new byte[0]);
    } else {
      builder.directory(guest.toString(), 0755);
    }
    return false;
  }

  /**
   * Adds what the host has of busybox. Its commands are a list of links that the agent makes: as
   * entries of an initramfs some 300 of them would take the kernel several times as long.
   */
  private static void addBusybox(InitramfsBuilder builder) throws IOException {
    Optional<Path> busybox = BUSYBOX.stream().filter(Files::isExecutable).findFirst();
    if (busybox.isEmpty()) {
      return;
    }
    if (!builder.has(GuestPath.of(BUSYBOX_IN_GUEST))) {
      builder.include(busybox.get(), BUSYBOX_IN_GUEST);
    }
    Map<String, StringBuilder> directories = new TreeMap<>();
    for (String applet : BusyboxApplets.of(busybox.get())) {
      int slash = applet.lastIndexOf('/') + 1;
      directories
          .computeIfAbsent("/" + applet.substring(0, slash), d -> new StringBuilder(d).append('\n'))
          .append(applet, slash, applet.length())
          .append('\n');
    }
    String list = BUSYBOX_IN_GUEST + "\n" + String.join("", directories.values());
    builder.file(LINKS, 0644, list.getBytes(StandardCharsets.US_ASCII));
  }

  /** What was left out, one line each. */
  public List<String> notes() {
    return notes;
  }

  /** What the kernel is booted for with it. */
  public Set<Purpose> purposes() {
    return purposes;
  }

  /** Whether the guest has a module from the start: in the initramfs, or in its kernel. */
  public boolean hasModule(String name) {
    return modules.has(name);
  }

  /** The same machine with this root, and its agent as init. */
  public MachineSpec boot(MachineSpec machine) {
    MachineSpecBuilder builder = machine.toBuilder().agent(transport).firstInitrd(file.path());
    String init = "rdinit=" + AGENT + " printk.time=1";
    // All of the initrds are kept, or none.
    if (machine.initrds().isEmpty() && size <= machine.memoryBytes() / KEPT_PART_OF_MEMORY) {
      init += " retain_initrd";
    }
    if (machine.commandLineOnly().isPresent()) {
      builder.commandLineOnly(machine.commandLineOnly().get() + " " + init);
    } else {
      builder.commandLine(init);
    }
    shares.addTo(builder);
    return builder.build();
  }

  /** What the agent is to mount before the command runs. */
  public GuestMounts mounts() {
    Optional<GuestMounts.Mount> root =
        switch (spec.kind()) {
          case IMAGE -> Optional.of(GuestMounts.Mount.disk("/dev/vda"));
          case HOST -> Optional.of(shares.root());
          case INITRAMFS, DIRECTORY -> Optional.empty();
        };
    return new GuestMounts(root, shares.others());
  }

  @Override
  public void close() {
    file.close();
  }
}
