// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Where a host's dynamic loaders look for a library by themselves: what ld.so.conf(5) lists, from
 * which ldconfig(8) makes glibc's cache, musl's path file, and the directories that are built in.
 */
final class LoaderDirectories {
  private static final String LD_SO_CONF = "/etc/ld.so.conf";
  private static final int MAX_FILE = 1 << 20;
  private static final int MAX_FILES = 1000;

  private final HostRoot root;

  LoaderDirectories(HostRoot root) {
    this.root = root;
  }

  /** Directories of {@code /etc/ld.so.conf} and the files that it includes, in order. */
  List<GuestPath> configured() throws IOException {
    Set<GuestPath> found = new LinkedHashSet<>();
    read(GuestPath.of(LD_SO_CONF), found, new LinkedHashSet<>());
    return List.copyOf(found);
  }

  private void read(GuestPath file, Set<GuestPath> found, Set<GuestPath> done) throws IOException {
    if (done.size() == MAX_FILES || !done.add(file)) {
      return;
    }
    Optional<String> text = text(file);
    if (text.isEmpty()) {
      return;
    }
    for (String line : text.get().split("\n")) {
      String[] words = line.split("#", 2)[0].strip().split("[ \t:,]+");
      if (words[0].equals("include")) {
        for (int i = 1; i < words.length; i++) {
          for (GuestPath included : matches(file.parent(), words[i])) {
            read(included, found, done);
          }
        }
      } else if (!words[0].equals("hwcap")) {
        for (String word : words) {
          // "dir=libc6" names a kind of library as well.
          String directory = word.split("=", 2)[0];
          if (directory.startsWith("/")) {
            found.add(GuestPath.ofRaw(directory));
          }
        }
      }
    }
  }

  /** A configuration file as one char for each byte; nothing if it is not there. */
  private Optional<String> text(GuestPath path) throws IOException {
    Optional<HostRoot.Located> located = root.locate(path);
    if (located.isEmpty() || !located.get().stat().isFile()) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(located.get().file())) {
      return Optional.of(new String(in.readNBytes(MAX_FILE), StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw HostFiles.failure(located.get().file(), e);
    }
  }

  /** Files that a pattern of glob(7) matches, in the order of their names. */
  private List<GuestPath> matches(GuestPath directory, String pattern) throws IOException {
    List<GuestPath> found = List.of(pattern.startsWith("/") ? GuestPath.ROOT : directory);
    for (String name : GuestPath.split(pattern)) {
      List<GuestPath> next = new ArrayList<>();
      for (GuestPath path : found) {
        if (name.matches("[^*?\\[]*")) {
          next.add(path.append(name));
        } else {
          next.addAll(list(path, glob(name)));
        }
      }
      found = next;
    }
    return found;
  }

  private List<GuestPath> list(GuestPath directory, Pattern name) throws IOException {
    Optional<HostRoot.Located> located = root.locate(directory);
    if (located.isEmpty() || !located.get().stat().isDirectory()) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(located.get().file())) {
      for (Path file : stream) {
        String raw = HostFiles.raw(file.getFileName());
        if (!raw.startsWith(".") && name.matcher(raw).matches()) {
          names.add(raw);
        }
      }
    } catch (IOException e) {
      throw HostFiles.failure(located.get().file(), e);
    }
    return names.stream().sorted().map(directory::append).toList();
  }

  private static Pattern glob(String name) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      int close = c == '[' ? name.indexOf(']', i + 2) : -1;
      if (c == '*') {
        regex.append(".*");
      } else if (c == '?') {
        regex.append('.');
      } else if (close > 0) {
        boolean not = name.charAt(i + 1) == '!';
        String inside =
            name.substring(i + (not ? 2 : 1), close).replaceAll("[\\\\\\[&^]", "\\\\$0");
        regex.append(not ? "[^" : "[").append(inside).append(']');
        i = close;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    try {
      return Pattern.compile(regex.toString(), Pattern.DOTALL);
    } catch (java.util.regex.PatternSyntaxException e) {
      return Pattern.compile(Pattern.quote(name));
    }
  }

  /** Directories that loaders for this kind of file have built in, of the usual distributions. */
  static List<GuestPath> builtIn(ElfFile file) {
    List<GuestPath> found = new ArrayList<>(multiarch(file));
    for (String name : List.of("lib" + file.bits(), "lib")) {
      found.add(GuestPath.ofRaw(name));
      found.add(GuestPath.ofRaw("usr/" + name));
    }
    return found;
  }

  /** Those of Debian and its kin, where other distributions have no libraries. */
  static List<GuestPath> multiarch(ElfFile file) {
    String triplet =
        switch (file.machine()) {
          case ElfFile.X86_64 -> file.bits() == 64 ? "x86_64-linux-gnu" : "x86_64-linux-gnux32";
          case ElfFile.I386 -> "i386-linux-gnu";
          default -> "none";
        };
    return List.of(GuestPath.ofRaw("lib/" + triplet), GuestPath.ofRaw("usr/lib/" + triplet));
  }

  /** Where musl keeps the directories of a loader {@code /lib/ld-musl-x86_64.so.1}. */
  static Optional<GuestPath> muslPathFile(String loader) {
    String name = loader.substring(loader.lastIndexOf('/') + 1);
    return name.startsWith("ld-musl-") && name.indexOf('.') > 0
        ? Optional.of(GuestPath.ofRaw("etc/" + name.substring(0, name.indexOf('.')) + ".path"))
        : Optional.empty();
  }

  /** Where a musl loader looks. */
  List<GuestPath> musl(GuestPath pathFile) throws IOException {
    Optional<String> text = text(pathFile);
    String[] names = text.map(t -> t.split("[:\n]+")).orElse(new String[0]);
    List<GuestPath> found = new ArrayList<>();
    for (String name :
        names.length > 0 ? names : new String[] {"/lib", "/usr/local/lib", "/usr/lib"}) {
      if (name.startsWith("/")) {
        found.add(GuestPath.ofRaw(name));
      }
    }
    return found;
  }
}
