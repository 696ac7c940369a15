// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.launcher.command.OnReboot;
import io.jkvm.launcher.command.RunCommand;
import io.jkvm.launcher.command.ShellCommand;
import io.jkvm.launcher.command.TestCommand;
import io.jkvm.launcher.option.ArgumentEncoding;
import io.jkvm.launcher.option.ForeignOptions;
import io.jkvm.launcher.option.OwnArguments;
import io.jkvm.launcher.option.WordConverter;
import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.launcher.testing.LastLine;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.spec.BootWay;
import io.jkvm.machine.spec.VirtioTransport;
import io.jkvm.machine.testing.TestOutcome;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
    footer = {"", "'jkvm test --help' or 'jkvm help test' describes a command."})
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

  /** The commands that run one of the guest's, whose arguments are not ours to look at. */
  private static final Set<String> RUN_A_COMMAND = Set.of("test", "shell");

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private Main() {}

  /** Ends the process with the status of {@link #execute}. */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, true);
    PrintWriter err = new PrintWriter(System.err, true);
    int status = execute(out, err, args);
    if (status == 0 && out.checkError()) {
      status = lost(err, args);
    }
    if (status == ExitStatus.HOST) {
      // A signal may have begun to end the JVM, with a status that hides this one.
      Runtime.getRuntime().halt(status);
    }
    System.exit(status);
  }

  /** What was printed is not all there; the writer does not say why, so this asks again. */
  private static int lost(PrintWriter err, String... args) {
    String why = "";
    try {
      new FileOutputStream(FileDescriptor.out).write('\n');
    } catch (IOException e) {
      why = ": " + e.getMessage();
      if (why.endsWith("Broken pipe")) {
        return 0; // who read it has seen enough
      }
    }
    String command = args.length == 0 ? "" : args[0];
    err.println("jkvm: " + lastLine(command, "standard output can't be written" + why));
    return status(command, ExitStatus.HOST);
  }

  /** Runs a command line and returns its exit status. */
  static int execute(PrintWriter out, PrintWriter err, String... args) {
    try {
      return parseAndRun(out, err, args);
    } catch (Error e) {
      // Picocli passes these on. The JVM's own way is a stack trace and status 1.
      String command = args.length == 0 ? "" : args[0];
      err.println("jkvm: " + lastLine(command, oneLine(Advice.line(e))));
      return status(command, ExitStatus.HOST);
    }
  }

  private static int parseAndRun(PrintWriter out, PrintWriter err, String... args) {
    CommandLine command = new CommandLine(new Main());
    RUN_A_COMMAND.forEach(name -> command.getSubcommands().get(name).setStopAtPositional(true));
    String[] own = OwnArguments.of(command, args);
    Optional<String> wrong =
        ArgumentEncoding.complaint(own).or(() -> longWithOneDash(command, own).map(Main::unknown));
    if (wrong.isPresent()) {
      boolean isCommand = command.getSubcommands().containsKey(args[0]);
      String help = " (see 'jkvm " + (isCommand ? args[0] + " " : "") + "--help')";
      err.println("jkvm: " + lastLine(args[0], wrong.get() + help));
      return status(args[0], ExitStatus.USAGE);
    }
    ArgumentEncoding.directoryNote().ifPresent(note -> err.println("jkvm: " + note));
    return command
        .setOut(out)
        .setErr(err)
        .registerConverter(BootWay.class, new WordConverter<>(BootWay.class))
        .registerConverter(VirtioTransport.class, new WordConverter<>(VirtioTransport.class))
        .registerConverter(OnReboot.class, new WordConverter<>(OnReboot.class))
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(Main::usageError)
        .setExecutionExceptionHandler((e, ignored, parsed) -> executionError(e, err, parsed))
        .execute(helpAsOption(command, args));
  }

  /** The first argument that is an option of another program, if there is one. */
  private static Optional<String> longWithOneDash(CommandLine command, String... args) {
    CommandLine run = args.length == 0 ? null : command.getSubcommands().get(args[0]);
    for (int i = 1; run != null && i < args.length; i++) {
      String before = args[i - 1];
      boolean isValue = OwnArguments.takesValue(run, before);
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
  private static String[] helpAsOption(CommandLine command, String... args) {
    if (args.length == 0 || !args[0].equals("help")) {
      return args;
    }
    if (args.length > 1
        && !args[1].startsWith("-")
        && !command.getSubcommands().containsKey(args[1])) {
      return Arrays.copyOfRange(args, 1, args.length); // that is no command, which is said
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
    String message = inOurWords(e.getMessage());
    if (e instanceof CommandLine.UnmatchedArgumentException unmatched) {
      message += hint(unmatched);
    }
    String name = e.getCommandLine().getCommandName();
    String line = oneLine(message) + " (see '" + command + " --help')";
    e.getCommandLine().getErr().println("jkvm: " + lastLine(name, line));
    return status(name, ExitStatus.USAGE);
  }

  /** Without what only those who wrote the parser, or this program, know. */
  private static String inOurWords(String message) {
    return message
        .replaceFirst("^Unmatched arguments? (at|from) index [0-9]+: ", "unexpected argument: ")
        .replace(" is not an int", " is not a number");
  }

  /** Below 125 it would look like that of a guest's command. */
  private static int status(String command, int otherwise) {
    return RUN_A_COMMAND.contains(command) ? TestOutcome.SETUP : otherwise;
  }

  /** The class of the end, which the last line begins with where a guest's command was to run. */
  private static String lastLine(String command, String why) {
    return RUN_A_COMMAND.contains(command) ? LastLine.setup(why) : why;
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
    String name = parsed.hasSubcommand() ? parsed.subcommand().commandSpec().name() : "";
    if (verbose) {
      e.printStackTrace(err);
    }
    err.println("jkvm: " + lastLine(name, oneLine(lineOf(e))));
    return status(name, ExitStatus.HOST);
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
