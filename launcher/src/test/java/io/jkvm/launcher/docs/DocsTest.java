// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.testing.ProjectFiles;
import io.jkvm.launcher.command.GuestEnvironment;
import io.jkvm.launcher.option.DiskOption;
import io.jkvm.launcher.option.NetOption;
import io.jkvm.launcher.option.PublishOption;
import io.jkvm.launcher.option.SizeOption;
import io.jkvm.launcher.option.TimeOption;
import io.jkvm.machine.kernellog.FailOn;
import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.testing.TestOutcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/** What the documentation names exists, and what it shows works. */
class DocsTest {
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]*)(#[^)]*)?\\)");
  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
  private static final Pattern CLASS_NAME = Pattern.compile("([A-Z][a-z0-9]+){2,}(\\.[a-z]\\w*)?");
  private static final Pattern FILE_NAME = Pattern.compile("[\\w.-]+(/[\\w.-]+)+\\.(java|md|sh)");
  private static final Pattern TARGET = Pattern.compile("make ([a-z][a-z-]*)");
  private static final Pattern WORD = Pattern.compile("(?:[^\\s'\"]|'([^']*)'|\"([^\"]*)\")+");

  /** Names in the documentation that look like classes of ours and are something else. */
  private static final Set<String> FOREIGN =
      Set.of("ByteBuf", "AutoCloseable", "FileSystem", "IllegalStateException");

  static Stream<Path> documents() throws IOException {
    Path root = ProjectFiles.root();
    List<Path> files = new ArrayList<>();
    for (String folder : List.of("", "docs", "guest-images", "guest-images/asm", "test-bed")) {
      try (Stream<Path> list = Files.list(root.resolve(folder))) {
        list.filter(file -> file.toString().endsWith(".md")).forEach(files::add);
      }
    }
    return files.stream();
  }

  @ParameterizedTest
  @MethodSource("documents")
  void linksLeadSomewhere(Path document) throws IOException {
    List<String> broken =
        matches(LINK, Files.readString(document))
            .filter(target -> !target.isEmpty() && !target.contains(":"))
            .filter(target -> !Files.exists(document.resolveSibling(target)))
            .toList();
    assertEquals(List.of(), broken);
  }

  @Test
  void theReadmeListsEveryDocument() throws IOException {
    String readme = Files.readString(ProjectFiles.root().resolve("README.md"));
    List<String> unlisted =
        documents()
            .map(document -> ProjectFiles.root().relativize(document).toString())
            .filter(name -> name.startsWith("docs/") && !readme.contains("| [" + name + "]"))
            .toList();
    assertEquals(List.of(), unlisted);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void namedFilesExist(Path document) throws IOException {
    List<String> absent =
        matches(CODE, Files.readString(document))
            .filter(text -> FILE_NAME.matcher(text).matches())
            .filter(text -> !Files.exists(ProjectFiles.root().resolve(text)))
            .filter(text -> !Files.exists(document.resolveSibling(text)))
            .toList();
    assertEquals(List.of(), absent);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void namedClassesExist(Path document) throws IOException {
    Set<String> classes = classNames();
    List<String> absent =
        matches(CODE, Files.readString(document))
            .filter(text -> CLASS_NAME.matcher(text).matches())
            .map(text -> text.replaceFirst("\\..*", ""))
            .filter(text -> !classes.contains(text) && !FOREIGN.contains(text))
            .toList();
    assertEquals(List.of(), absent);
  }

  @ParameterizedTest
  @MethodSource("documents")
  void makeTargetsExist(Path document) throws IOException {
    String makefile = Files.readString(ProjectFiles.root().resolve("Makefile"));
    List<String> absent =
        matches(TARGET, codeOf(Files.readString(document)))
            .filter(target -> !Pattern.compile("(?m)^" + target + ":").matcher(makefile).find())
            .toList();
    assertEquals(List.of(), absent);
  }

  /** All code of a document: blocks and what is between backquotes. */
  private static String codeOf(String markdown) {
    return markdown
            .lines()
            .filter(line -> line.startsWith("    "))
            .collect(Collectors.joining("\n"))
        + "\n"
        + matches(CODE, markdown).collect(Collectors.joining("\n"));
  }

  // --- examples in Java ---

  @ParameterizedTest
  @MethodSource("documents")
  void javaBlocksAreTestedCode(Path document) throws IOException {
    List<String> sources = new ArrayList<>();
    for (String module : List.of("examples/src", "launcher/src/test")) {
      for (Path file : javaFiles(ProjectFiles.root().resolve(module))) {
        sources.add(withoutIndentation(Files.readString(file)));
      }
    }
    for (String block : javaBlocks(Files.readString(document))) {
      String wanted = withoutIndentation(block);
      assertTrue(
          sources.stream().anyMatch(source -> source.contains(wanted)),
          document + " shows code that no example or test has:\n" + block);
    }
  }

  @Test
  void theLibrarysDocumentShowsExamples() throws IOException {
    String text = Files.readString(ProjectFiles.root().resolve("docs/library.md"));
    assertTrue(javaBlocks(text).size() >= 8);
  }

  private static List<String> javaBlocks(String markdown) {
    return matches(Pattern.compile("```java\n(.*?)```", Pattern.DOTALL), markdown).toList();
  }

  private static String withoutIndentation(String code) {
    return code.lines().map(String::strip).collect(Collectors.joining("\n", "\n", "\n"));
  }

  // --- commands ---

  @Test
  void commandsParse() throws IOException {
    List<String> commands = new ArrayList<>();
    for (Path document : documents().toList()) {
      commands.addAll(commandsIn(Files.readString(document)));
    }
    for (CommandLine command : CommandDocs.command().getSubcommands().values()) {
      CommandSpec spec = command.getCommandSpec();
      commands.addAll(commandsIn(String.join("\n", spec.usageMessage().footer())));
    }
    for (String name : List.of("run", "test", "shell")) {
      long count = commands.stream().filter(line -> line.startsWith("jkvm " + name)).count();
      assertTrue(count >= 3, name + " in " + commands);
    }
    List<String> wrong = new ArrayList<>();
    for (String command : commands) {
      try {
        parse(command);
      } catch (RuntimeException e) {
        wrong.add(command + ": " + e.getMessage());
      }
    }
    assertEquals(List.of(), wrong);
  }

  /** The calls of jkvm's commands that begin a line, with the lines that continue them. */
  private static List<String> commandsIn(String text) {
    Pattern call = Pattern.compile("(?:^|^git bisect run .*; exec )(jkvm (?:run|test|shell) .*)");
    return text.replaceAll("\\\\\n", " ")
        .lines()
        .map(line -> call.matcher(line.strip()))
        .filter(Matcher::find)
        .map(match -> match.group(1))
        .toList();
  }

  private static void parse(String command) {
    List<String> words =
        WORD.matcher(command.replaceFirst(" </dev/null$", ""))
            .results()
            .map(match -> match.group().replaceAll("^'|'$|(?<=[= ])\"|\"$", ""))
            .collect(Collectors.toList());
    CommandLine jkvm = CommandDocs.command();
    ParseResult run =
        jkvm.parseArgs(words.subList(1, words.size()).toArray(String[]::new)).subcommand();
    values(run, "--disk", DiskOption::parse);
    values(run, "--net", new NetOption()::parse);
    values(run, "--publish", PublishOption::parse);
    values(run, "--mem", SizeOption::parse);
    values(run, "--timeout", TimeOption::parse);
    values(run, "--stall", TimeOption::parse);
    values(run, "--fail-on", word -> FailOn.of(List.of(word)));
    boolean needsCommand =
        run.commandSpec().name().equals("test") && !run.hasMatchedOption("--print-config");
    if (needsCommand && run.matchedPositionals().isEmpty()) {
      throw new IllegalArgumentException("no command");
    }
  }

  private static void values(ParseResult run, String option, Consumer<String> parser) {
    if (run.hasMatchedOption(option)) {
      run.matchedOption(option).stringValues().forEach(parser);
    }
  }

  // --- what docs/testing-kernels.md repeats ---

  private static String testingKernels() throws IOException {
    return Files.readString(ProjectFiles.root().resolve("docs/testing-kernels.md"));
  }

  @Test
  void eachClassOfEndIsInTheTableWithItsStatus() throws IOException {
    String text = testingKernels();
    Map<EndClass, Integer> statuses = new EnumMap<>(EndClass.class);
    statuses.put(EndClass.PANIC, TestOutcome.PANIC);
    statuses.put(EndClass.OOPS, TestOutcome.OOPS);
    statuses.put(EndClass.LOCKUP, TestOutcome.LOCKUP);
    statuses.put(EndClass.STALL, TestOutcome.STALL);
    statuses.put(EndClass.LIMIT, TestOutcome.LIMIT);
    statuses.put(EndClass.OUT_OF_MEMORY, TestOutcome.OUT_OF_MEMORY);
    statuses.put(EndClass.GONE, TestOutcome.GONE);
    statuses.put(EndClass.SETUP, TestOutcome.SETUP);
    statuses.put(EndClass.INTERRUPTED, TestOutcome.INTERRUPTED);
    for (EndClass end : EndClass.values()) {
      String status = statuses.containsKey(end) ? " " + statuses.get(end) + " |" : "";
      assertTrue(text.contains("\n| `" + end.word() + "` |" + status), end.word());
    }
  }

  @Test
  void theVariablesThatAreLeftOutAreListed() throws IOException {
    String text = testingKernels();
    String sentence =
        text.substring(text.indexOf("**Environment**"), text.indexOf("The agent adds"));
    assertEquals(
        new TreeSet<>(GuestEnvironment.DROPPED),
        matches(CODE, sentence).collect(Collectors.toCollection(TreeSet::new)));
  }

  @Test
  void theWordsOfFailOnAreListed() throws IOException {
    String text = testingKernels();
    String table = text.substring(text.indexOf("| word |"), text.indexOf("The kernel must have"));
    String known =
        assertThrows(IllegalArgumentException.class, () -> FailOn.of(List.of("?"))).getMessage();
    assertEquals(
        List.of(known.substring(known.indexOf("there are ") + 10).split(", ")).stream()
            .sorted()
            .toList(),
        Pattern.compile("(?m)^\\| (`.*?`) \\|")
            .matcher(table)
            .results()
            .flatMap(row -> matches(CODE, row.group(1)))
            .sorted()
            .toList());
  }

  // --- sources ---

  private static Set<String> classNames() throws IOException {
    Set<String> names = new TreeSet<>();
    for (String module : ProjectFiles.MODULES) {
      for (Path file : javaFiles(ProjectFiles.root().resolve(module).resolve("src"))) {
        names.add(file.getFileName().toString().replaceFirst("\\.java$", ""));
      }
    }
    try (Stream<Path> list = Files.list(ProjectFiles.root().resolve("benchmarks"))) {
      list.forEach(file -> names.add(file.getFileName().toString().replaceFirst("\\.java$", "")));
    }
    return names;
  }

  private static List<Path> javaFiles(Path folder) throws IOException {
    try (Stream<Path> tree = Files.walk(folder)) {
      return tree.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }

  private static Stream<String> matches(Pattern pattern, String text) {
    Stream.Builder<String> found = Stream.builder();
    for (Matcher matcher = pattern.matcher(text); matcher.find(); ) {
      found.add(matcher.group(1));
    }
    return found.build();
  }
}
