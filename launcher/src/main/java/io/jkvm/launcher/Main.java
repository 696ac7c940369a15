// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.launcher.command.OnReboot;
import io.jkvm.launcher.command.RunCommand;
import io.jkvm.launcher.command.ShellCommand;
import io.jkvm.launcher.command.TestCommand;
import io.jkvm.launcher.option.ArgumentEncoding;
import io.jkvm.launcher.option.ForeignOptions;
import io.jkvm.launcher.option.WordConverter;
import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.BootWay;
import io.jkvm.machine.spec.VirtioTransport;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The {@code jkvm} command. */
@Command(
    name = "jkvm",
    description = "A minimal hypervisor for Linux guests on Linux/x86-64.",
    subcommands = {RunCommand.class, TestCommand.class, ShellCommand.class},
    synopsisSubcommandLabel = "COMMAND",
    footer = {"", "'jkvm run --help' or 'jkvm help run' describes a command."})
public final class Main implements Runnable {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = CommandLine.ScopeType.INHERIT,
      description = "Show this help and exit.")
  private boolean help;

  @Option(
      names = {"-V", "--version"},
      description = "Show the version and exit.")
  private boolean version;

  private static final String SEE_HELP = " (see 'jkvm run --help')";

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private Main() {}

  /** Ends the process with the status of {@link #execute}. */
  public static void main(String[] args) {
    int status;
    try {
      status = execute(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    } catch (Error e) {
      // Picocli passes these on. The JVM's own way is a stack trace and status 1.
      System.err.println("jkvm: " + oneLine(Advice.line(e)));
      status = ExitStatus.HOST;
    }
    if (status == ExitStatus.HOST) {
      // A signal may have begun to end the JVM, with a status that hides this one.
      Runtime.getRuntime().halt(status);
    }
    System.exit(status);
  }

  /** Runs a command line and returns its exit status. */
  static int execute(PrintWriter out, PrintWriter err, String... args) {
    CommandLine command = new CommandLine(new Main());
    Optional<String> wrong =
        ArgumentEncoding.complaint(args)
            .or(() -> longWithOneDash(command, args).map(Main::unknown));
    if (wrong.isPresent()) {
      err.println("jkvm: " + wrong.get() + SEE_HELP);
      return ExitStatus.USAGE;
    }
    return command
        .setOut(out)
        .setErr(err)
        .registerConverter(BootWay.class, new WordConverter<>(BootWay.class))
        .registerConverter(VirtioTransport.class, new WordConverter<>(VirtioTransport.class))
        .registerConverter(OnReboot.class, new WordConverter<>(OnReboot.class))
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(Main::usageError)
        .setExecutionExceptionHandler((e, ignored, parsed) -> executionError(e, err, parsed))
        .execute(helpAsOption(args));
  }

  /** The first argument that is an option of another program, if there is one. */
  private static Optional<String> longWithOneDash(CommandLine command, String... args) {
    CommandLine run = args.length == 0 ? null : command.getSubcommands().get(args[0]);
    for (int i = 1; run != null && i < args.length; i++) {
      String before = args[i - 1];
      var option = before.startsWith("-") ? run.getCommandSpec().findOption(before) : null;
      boolean isValue = option != null && option.arity().max() > 0;
      boolean isOurs =
          args[i].matches("-[a-z][a-z-]+(=.*)?")
              && run.getCommandSpec().findOption("-" + args[i].replaceFirst("=.*", "")) != null;
      if (!isValue && (isOurs || ForeignOptions.isLongWithOneDash(args[i]))) {
        return Optional.of(args[i]);
      }
    }
    return Optional.empty();
  }

  private static String unknown(String argument) {
    return "Unknown option: '"
        + argument
        + "'"
        + ForeignOptions.advice(argument)
            .map(advice -> "; with jkvm: " + advice)
            .orElse("; did you mean -" + argument + "?");
  }

  /** {@code help run} for {@code run --help}: a command of its own would cost each start time. */
  private static String[] helpAsOption(String... args) {
    if (args.length == 0 || !args[0].equals("help")) {
      return args;
    }
    String[] asked = Arrays.copyOfRange(args, 1, args.length + 1);
    asked[asked.length - 1] = "--help";
    return asked;
  }

  @Override
  public void run() {
    if (version) {
      String number = Main.class.getPackage().getImplementationVersion();
      spec.commandLine().getOut().println("jkvm " + (number == null ? "(development)" : number));
    } else {
      throw new ParameterException(spec.commandLine(), "what to do? e.g. 'jkvm run'");
    }
  }

  private static int usageError(ParameterException e, String[] args) {
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    String message = e.getMessage();
    if (e instanceof CommandLine.UnmatchedArgumentException unmatched) {
      message += hint(unmatched);
    }
    e.getCommandLine()
        .getErr()
        .println("jkvm: " + oneLine(message) + " (see '" + command + " --help')");
    return ExitStatus.USAGE;
  }

  private static String hint(CommandLine.UnmatchedArgumentException e) {
    Optional<String> advice = ForeignOptions.advice(e.getUnmatched().get(0));
    if (advice.isPresent()) {
      return "; with jkvm: " + advice.get();
    }
    List<String> similar = e.getSuggestions();
    return similar.isEmpty() ? "" : "; did you mean " + String.join(" or ", similar) + "?";
  }

  private static int executionError(Exception e, PrintWriter err, CommandLine.ParseResult parsed) {
    boolean verbose = parsed.hasSubcommand() && parsed.subcommand().hasMatchedOption("--verbose");
    err.println("jkvm: " + oneLine(lineOf(e)));
    if (verbose) {
      e.printStackTrace(err);
    }
    return ExitStatus.HOST;
  }

  private static String lineOf(Exception e) {
    if (e instanceof MachineException problem) {
      return Advice.line(problem);
    }
    return e instanceof IOException ? e.getMessage() : e + "; this is a defect of jkvm";
  }

  private static String oneLine(String message) {
    return String.valueOf(message).replaceAll("\\s*\\R\\s*", "; ");
  }
}
