// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.launcher.End;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.StopReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What documentation repeats is what the program says. With {@code -Djkvm.docs.write=true}, as in
 * {@code make docs}, the files are written instead.
 */
class GeneratedDocsTest {
  private static final boolean WRITE = Boolean.getBoolean("jkvm.docs.write");

  @Test
  void optionsInTheReadme() throws IOException {
    checkSection("README.md", "options", CommandDocs.optionTable(CommandDocs.subcommand("run")));
  }

  @Test
  void exitStatusInTheReadme() throws IOException {
    checkSection(
        "README.md", "exit status", CommandDocs.exitStatusTable(CommandDocs.subcommand("run")));
  }

  @Test
  void packagesInTheArchitecture() throws IOException {
    checkSection("docs/architecture.md", "packages", PackageDocs.table());
  }

  @Test
  void endsOfAMachine() throws IOException {
    StringBuilder table = new StringBuilder("| end | last line | status |\n|---|---|---|\n");
    for (End end : End.all()) {
      table.append(
          String.format("| %s | `jkvm: %s` | %d |%n", end.how(), end.message(), end.status()));
    }
    checkSection("docs/ends.md", "ends", table.toString());
  }

  @Test
  void manualPage() throws IOException {
    check(ProjectFiles.root().resolve("docs/jkvm.1"), CommandDocs.manualPage());
  }

  @ParameterizedTest
  @EnumSource(StopReason.Kind.class)
  void everyEndHasADocumentedStatus(StopReason.Kind kind) {
    int status = ExitStatus.of(new StopReason(kind, ""));
    Set<String> documented = CommandDocs.subcommand("run").usageMessage().exitCodeList().keySet();
    int shown = kind == StopReason.Kind.HOST_SIGNAL ? status + 15 : status;
    assertTrue(documented.contains(String.valueOf(shown)), status + " in " + documented);
  }

  @Test
  void firstSentences() {
    assertEquals(
        "PCI (PCI Local Bus 3.0): what `PciFunction` and `Msix.mask` are, as in `x`",
        PackageDocs.firstSentence(
            "// c\n/**\n * PCI (PCI Local Bus 3.0): what {@link io.jkvm.devices.pci.PciFunction}\n"
                + " * and {@link a.Msix#mask} are, as in {@code x}.\n *\n"
                + " * <p>Second sentence.\n */\npackage a;"));
  }

  private static void checkSection(String file, String name, String content) throws IOException {
    Path path = ProjectFiles.root().resolve(file);
    String text = Files.readString(path);
    Matcher section =
        Pattern.compile(
                "(<!-- made by 'make docs': " + name + " -->\n).*?(<!-- end -->)", Pattern.DOTALL)
            .matcher(text);
    assertTrue(section.find(), file + " has no section '" + name + "'");
    check(path, text.substring(0, section.end(1)) + content + text.substring(section.start(2)));
  }

  private static void check(Path file, String expected) throws IOException {
    if (WRITE) {
      Files.writeString(file, expected);
    }
    String actual = Files.exists(file) ? Files.readString(file) : "";
    assertEquals(expected, actual, file + " is out of date; run 'make docs' and commit the result");
  }
}
