// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.launcher.command.RunCommand;
import io.jkvm.launcher.report.Advice;
import io.jkvm.launcher.report.ExitStatus;
import io.jkvm.machine.report.MachineException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The {@code jkvm} command. */
@Command(
    name = "jkvm",
    description = "A minimal hypervisor for Linux guests on Linux/x86-64.",
    subcommands = RunCommand.class,
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

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  private Main() {}

  /** Ends the process with the status of {@link #execute}. */
  public static void main(String[] args) {
    int status;
    try {
      status = execute(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args);
    } catch (Error e) {
      // Picocli passes these on. The JVM's own way is a stack trace and status 1.
      System.err.println("jkvm: " + oneLine(e.toString()) + "; this is a defect or lack of memory");
      status = ExitStatus.HOST;
    }
    System.exit(status);
  }

  /** Runs a command line and returns its exit status. */
  static int execute(PrintWriter out, PrintWriter err, String... args) {
    return new CommandLine(new Main())
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false)
        .setParameterExceptionHandler(Main::usageError)
        .setExecutionExceptionHandler((e, command, parsed) -> executionError(e, err, parsed))
        .execute(helpAsOption(args));
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
    e.getCommandLine()
        .getErr()
        .println("jkvm: " + oneLine(e.getMessage()) + " (see '" + command + " --help')");
    return ExitStatus.USAGE;
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
