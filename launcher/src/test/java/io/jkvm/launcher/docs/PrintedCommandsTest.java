// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The commands that the documents print, but for those of jkvm and make, which {@link DocsTest}
 * has: what they name is there. Running them would take as long as all the tests together.
 */
class PrintedCommandsTest {
  private static final Pattern MAVEN_TEST =
      Pattern.compile("-D(?:it\\.)?test=['\"]?(\\w+)(?:#(\\w+))?");
  private static final Pattern MODULE = Pattern.compile("mvn .*-pl ([\\w-]+)");
  private static final Pattern SCRIPT =
      Pattern.compile("(?m)(?:^    |`)((?:benchmarks|test-bed|guest-images|\\.ci)/[\\w.-]+)[ `\n]");
  private static final Pattern TEST_BED = Pattern.compile("test-bed/run ([a-z]+)");
  private static final Pattern IMAGE =
      Pattern.compile("(?:--kernel|--initrd|--disk|-kernel|-initrd) ([\\w.-]+)");

  private record Found(Path document, MatchResult match) {
    String word() {
      return match.group(1);
    }

    @Override
    public String toString() {
      return document.getFileName() + ": " + match.group();
    }
  }

  private static List<Found> all(Pattern pattern) throws IOException {
    List<Found> found = new ArrayList<>();
    for (Path document : DocsTest.documents().toList()) {
      String text = Files.readString(document).replaceAll("\\\\\n", " ");
      pattern.matcher(text).results().forEach(match -> found.add(new Found(document, match)));
    }
    assertTrue(!found.isEmpty(), "none is printed: " + pattern);
    return found;
  }

  private static Path file(String name) {
    return ProjectFiles.root().resolve(name);
  }

  @Test
  void testsToRunAreThere() throws IOException {
    for (Found test : all(MAVEN_TEST)) {
      if (test.word().equalsIgnoreCase("none")) {
        continue;
      }
      List<Path> sources = sourcesOf(test.word());
      assertEquals(1, sources.size(), test::toString);
      String method = test.match().group(2);
      assertTrue(
          method == null || Files.readString(sources.get(0)).contains("void " + method + "("),
          test::toString);
    }
    for (Found module : all(MODULE)) {
      assertTrue(Files.exists(file(module.word() + "/pom.xml")), module::toString);
    }
  }

  private static List<Path> sourcesOf(String testClass) throws IOException {
    List<Path> sources = new ArrayList<>();
    for (String module : ProjectFiles.MODULES) {
      try (Stream<Path> tree = Files.walk(file(module + "/src/test"))) {
        tree.filter(source -> source.endsWith(testClass + ".java")).forEach(sources::add);
      }
    }
    return sources;
  }

  @Test
  void aModulesTestIsInThatModule() throws IOException {
    Pattern both = Pattern.compile("mvn [^\n]*-pl ([\\w-]+)[^\n]*-D(?:it\\.)?test=['\"]?(\\w+)");
    for (Found command : all(both)) {
      List<Path> sources = sourcesOf(command.match().group(2));
      assertTrue(sources.get(0).startsWith(file(command.word())), command::toString);
    }
  }

  @Test
  void scriptsCanBeRun() throws IOException {
    for (Found script : all(SCRIPT)) {
      Path file = file(script.word());
      boolean isText = script.word().endsWith(".md") || Files.isDirectory(file);
      boolean isMade = script.word().startsWith("guest-images/build");
      assertTrue(isMade || Files.exists(file), script::toString);
      assertTrue(isMade || isText || Files.isExecutable(file) || isData(file), script::toString);
    }
  }

  private static boolean isData(Path file) {
    return Stream.of(".java", ".config", ".xml", ".patch", ".asm")
        .anyMatch(file.toString()::endsWith);
  }

  @Test
  void whatTheTestBedIsAskedForItKnows() throws IOException {
    String script = Files.readString(file("test-bed/run"));
    String usage = script.lines().skip(2).findFirst().orElseThrow();
    List<String> known = Arrays.asList(usage.split("[^a-z]+"));
    for (Found command : all(TEST_BED)) {
      assertTrue(known.contains(command.word()), command::toString);
    }
  }

  @Test
  void guestImagesThatCommandsNameAreBuilt() throws IOException {
    String made = Files.readString(file("guest-images/README.md")).split("\n## ", 2)[0];
    for (Found image : all(IMAGE)) {
      boolean isOurs = image.document().endsWith("networking.md");
      assertTrue(!isOurs || made.contains("`" + image.word() + "`"), image::toString);
    }
  }
}
