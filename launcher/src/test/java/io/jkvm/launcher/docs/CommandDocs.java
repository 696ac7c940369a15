// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.docs;

import io.jkvm.launcher.Main;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** The documentation of the {@code jkvm} command, made from what {@code --help} shows. */
final class CommandDocs {
  /** What a line of an option's description begins with if it describes a value. */
  private static final Pattern VALUE = Pattern.compile("^([a-z][^ ]*(?:, [a-z]+=[^ ]*)*): ");

  private CommandDocs() {}

  /** The command with its subcommands, parsing as the real one does. */
  static CommandLine command() {
    CommandLine jkvm = new CommandLine(Main.class);
    jkvm.setCaseInsensitiveEnumValuesAllowed(true).setExpandAtFiles(false);
    List.of("test", "shell")
        .forEach(name -> jkvm.getSubcommands().get(name).setStopAtPositional(true));
    return jkvm;
  }

  static CommandSpec subcommand(String name) {
    return command().getSubcommands().get(name).getCommandSpec();
  }

  // --- Markdown ---

  /** A table of a subcommand's options. */
  static String optionTable(CommandSpec command) {
    return "| option | meaning |\n|---|---|\n"
        + options(command)
            .map(option -> "| " + markdownNames(option) + " | " + markdownText(option) + " |\n")
            .collect(Collectors.joining());
  }

  /** A table of a subcommand's exit statuses. */
  static String exitStatusTable(CommandSpec command) {
    return "| status | meaning |\n|---|---|\n"
        + command.usageMessage().exitCodeList().entrySet().stream()
            .map(entry -> "| " + entry.getKey() + " | " + cell(entry.getValue()) + " |\n")
            .collect(Collectors.joining());
  }

  private static Stream<OptionSpec> options(CommandSpec command) {
    return command.options().stream().filter(option -> !option.hidden());
  }

  private static String markdownNames(OptionSpec option) {
    String names = String.join("`, `", option.names());
    return "`" + cell(names + argument(option)) + "`";
  }

  private static String argument(OptionSpec option) {
    if (option.arity().max() == 0) {
      return "";
    }
    return option.arity().min() == 0 ? " [" + option.paramLabel() + "]" : " " + option.paramLabel();
  }

  private static String markdownText(OptionSpec option) {
    return Stream.of(option.description())
        .map(line -> VALUE.matcher(line).replaceFirst(m -> quoted("`" + m.group(1) + "`: ")))
        .map(CommandDocs::cell)
        .collect(Collectors.joining("<br>"));
  }

  private static String quoted(String replacement) {
    return Matcher.quoteReplacement(replacement);
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace("%%", "%");
  }

  // --- the manual page ---

  /** The page for the command and all its subcommands, in the man(7) macros. */
  static String manualPage() {
    CommandSpec jkvm = command().getCommandSpec();
    StringBuilder page = new StringBuilder();
    page.append(".\\\" Made by 'make docs' from what --help shows.\n");
    page.append(".\\\" SPDX-License-Identifier: Apache-2.0\n");
    page.append(".TH JKVM 1 \"\" jkvm \"User Commands\"\n.SH NAME\n");
    String what = String.join(" ", jkvm.usageMessage().description()).replaceFirst("^A ", "a ");
    page.append("jkvm \\- ").append(roff(what.replaceFirst("\\.$", ""))).append('\n');
    page.append(".SH SYNOPSIS\n");
    Map<String, CommandLine> subcommands = jkvm.subcommands();
    subcommands.forEach(
        (name, command) ->
            page.append(
                ".B jkvm " + name + "\n[\\fIOPTION\\fR]..." + parameters(command) + "\n.br\n"));
    page.append(".B jkvm help\n[\\fICOMMAND\\fR]\n.br\n.B jkvm \\-\\-version\n");
    subcommands.forEach((name, command) -> section(page, name, command.getCommandSpec()));
    return page.toString();
  }

  private static String parameters(CommandLine command) {
    return command.getCommandSpec().positionalParameters().isEmpty()
        ? ""
        : " [\\-\\-] \\fICOMMAND\\fR [\\fIARGUMENT\\fR]...";
  }

  private static void section(StringBuilder page, String name, CommandSpec command) {
    UsageMessageSpec usage = command.usageMessage();
    page.append(".SH JKVM ").append(name.toUpperCase(java.util.Locale.ROOT)).append('\n');
    paragraphs(page, List.of(usage.description()));
    page.append(".SS Options\n");
    options(command)
        .forEach(
            option -> {
              String names = String.join("\\fR, \\fB", option.names()).replace("-", "\\-");
              page.append(".TP\n\\fB").append(names).append("\\fR");
              page.append(roff(argument(option))).append('\n');
              page.append(
                  Stream.of(option.description())
                      .map(CommandDocs::roff)
                      .collect(Collectors.joining("\n.br\n")));
              page.append('\n');
            });
    if (!usage.exitCodeList().isEmpty()) {
      page.append(".SS Exit status\n");
      usage
          .exitCodeList()
          .forEach((status, text) -> page.append(".TP\n" + status + "\n" + roff(text) + "\n"));
    }
    paragraphs(page, List.of(usage.footer()));
  }

  /** Text as picocli takes it: an empty line ends a paragraph, "Word:" is a heading. */
  private static void paragraphs(StringBuilder page, List<String> lines) {
    for (String line : lines) {
      if (line.matches("[A-Z][a-z ]*:")) {
        page.append(".SS ").append(line, 0, line.length() - 1).append('\n');
      } else if (line.isEmpty()) {
        if (page.indexOf(".PP\n", page.length() - 4) < 0) {
          page.append(".PP\n");
        }
      } else if (line.startsWith("  ")) {
        page.append(".nf\n").append(roff(line)).append("\n.fi\n");
      } else {
        page.append(roff(line)).append('\n');
      }
    }
  }

  private static String roff(String text) {
    String escaped = text.replace("%%", "%").replace("\\", "\\e").replace("-", "\\-");
    return escaped.matches("^[.'].*") ? "\\&" + escaped : escaped;
  }
}
