// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import io.jkvm.machine.initramfs.ElfFile;
import io.jkvm.machine.initramfs.SharedLibraries;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a program may start others, by the functions that it and its libraries could call. Where
 * that is not certain the answer is yes: it costs a guest the time to unpack what is not used.
 */
final class ChildPrograms {
  /**
   * What executes a program, or could do so unseen. One that is loaded later by dlopen(3) is not
   * looked at.
   */
  private static final Set<String> STARTERS =
      Set.of(
          "execl",
          "execle",
          "execlp",
          "execv",
          "execve",
          "execveat",
          "execvp",
          "execvpe",
          "posix_spawn",
          "posix_spawnp",
          "pidfd_spawn",
          "pidfd_spawnp",
          "popen",
          "system",
          "wordexp",
          "syscall",
          "dlopen",
          "dlmopen",
          "dlsym",
          "dlvsym");

  /** The C library and its parts, which have all of these and do not call them by themselves. */
  private static final List<String> C_LIBRARY =
      List.of("ld-", "libc.", "libc-", "libdl.", "libm.", "libpthread.", "librt.", "libutil.");

  private ChildPrograms() {}

  /**
   * Looks at a program.
   *
   * @param program a regular file of the host's
   * @param libraryPath where it looks for libraries first, as in LD_LIBRARY_PATH
   */
  static boolean mayBeStartedBy(Path program, String libraryPath) {
    try {
      return isStarter(program, libraryPath);
    } catch (IOException e) {
      return true; // who packs the files has the words for what is wrong with one
    }
  }

  private static boolean isStarter(Path program, String libraryPath) throws IOException {
    Optional<ElfFile> elf = ElfFile.read(program);
    if (elf.isEmpty() || elf.get().needed().isEmpty() || ElfFile.isOfGo(program)) {
      return true; // a script, or something that needs no library to make system calls
    }
    SharedLibraries.Closure needs = new SharedLibraries(libraryPath).of(program);
    if (!needs.missing().isEmpty() || ElfFile.mentions(program, STARTERS)) {
      return true;
    }
    for (SharedLibraries.Library library : needs.libraries()) {
      String name = library.name().substring(library.name().lastIndexOf('/') + 1);
      boolean isOfC = C_LIBRARY.stream().anyMatch(name::startsWith);
      if (!isOfC && ElfFile.mentions(library.file(), STARTERS)) {
        return true;
      }
    }
    return false;
  }
}
