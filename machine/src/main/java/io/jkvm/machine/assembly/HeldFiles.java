// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.assembly;

import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.MachineSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Files of machines that are made one after the other, held from before the first of them: each
 * opens what the names led to then. A guest with a writable share can give its name to something
 * else meanwhile, such as a link to any file of the user's or a pipe on which the next machine
 * would wait. For any thread.
 */
public final class HeldFiles implements AutoCloseable {
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final Pattern DESCRIPTOR = Pattern.compile("/proc/self/fd/\\d+");

  // Guarded by this.
  private final Map<Path, Fd> held = new HashMap<>();
  private final Map<String, Path> names = new HashMap<>();

  /** Holds nothing yet. */
  public HeldFiles() {}

  /**
   * The same machine with files that are held, from the first call with their names on. Captures
   * are made if they are not there. What can't be found stays a name: the machine says so.
   */
  public synchronized MachineSpec hold(MachineSpec spec) {
    spec.cards().forEach(card -> card.capture().ifPresent(this::makeIfAbsent));
    return spec.openedBy(this::opened);
  }

  /** The same file in its directory, which is held; its own name is one that any may give. */
  public synchronized Path inHeldDirectory(Path file) {
    Path directory = file.toAbsolutePath().getParent();
    return opened(directory).resolve(file.getFileName());
  }

  private void makeIfAbsent(Path file) {
    try {
      if (!held.containsKey(file) && Files.notExists(file)) {
        Fd.createNew(file.toString()).close();
      }
    } catch (LinuxException e) {
      return; // whoever opens it says why
    }
  }

  private Path opened(Path name) {
    Fd fd = held.get(name);
    if (fd == null && !name.startsWith(DESCRIPTORS)) {
      try {
        fd = Fd.open(name.toString(), Fd.HANDLE);
        held.put(name, fd);
        names.put(fd.path(), name);
      } catch (LinuxException e) {
        return name;
      }
    }
    return fd == null ? name : Path.of(fd.path());
  }

  /** A message with the names as they were given. */
  public synchronized String named(String message) {
    return DESCRIPTOR
        .matcher(message)
        .replaceAll(
            found -> {
              Path name = names.get(found.group());
              return Matcher.quoteReplacement(name == null ? found.group() : name.toString());
            });
  }

  /** The same problem with the names as they were given. */
  public MachineException named(MachineException e) {
    return new MachineException(e.problem(), named(e.subject()), named(e.getMessage()), e);
  }

  /** No machine is made any more. */
  @Override
  public synchronized void close() {
    held.values().forEach(Fd::close);
    held.clear();
    names.clear();
  }
}
