// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.kernel;

import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.KernelImage;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * The configuration that a kernel was built with, as Kconfig writes it to {@code .config}.
 * Immutable. Options may be named with or without the prefix {@code CONFIG_}.
 */
public final class KernelConfig {
  /** A distribution's configuration has 300 KiB. */
  static final int MAX_BYTES = 4 << 20;

  private static final String PREFIX = "CONFIG_";
  private static final Pattern ASSIGNMENT = Pattern.compile("CONFIG_([A-Za-z0-9_]+)=(.*)");
  private static final Pattern UNSET = Pattern.compile("# CONFIG_([A-Za-z0-9_]+) is not set\\s*");

  private final Map<String, String> values;
  private final String origin;

  private KernelConfig(Map<String, String> values, String origin) {
    this.values = values;
    this.origin = origin;
  }

  /**
   * Parses the text of a configuration. Lines that are neither an assignment nor "is not set" are
   * passed over; of two lines for one option the later counts, as it does for Kconfig.
   *
   * @param origin where the text is from, for messages
   */
  public static KernelConfig parse(String text, String origin) {
    Map<String, String> values = new LinkedHashMap<>();
    text.lines()
        .forEach(
            line -> {
              Matcher assignment = ASSIGNMENT.matcher(line);
              Matcher unset = UNSET.matcher(line);
              if (assignment.matches()) {
                values.put(assignment.group(1), unquoted(assignment.group(2).strip()));
              } else if (unset.matches()) {
                values.put(unset.group(1), "n");
              }
            });
    return new KernelConfig(values, origin);
  }

  /**
   * Reads a configuration from a file, plain or compressed by gzip, whatever its name is.
   *
   * @throws MachineException with {@link Problem#KERNEL_CONFIG} if it can't be read, is none, or
   *     has more than 4 MiB
   */
  public static KernelConfig read(Path file) {
    String facts;
    IOException cause = null;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      KernelConfig config = parse(text(in), file.toString());
      if (!config.values.isEmpty()) {
        return config;
      }
      facts = file + " is no kernel configuration";
    } catch (IOException e) {
      facts = "kernel configuration " + file + " can't be read (" + BoundedFiles.reason(e) + ")";
      cause = e;
    }
    throw new MachineException(Problem.KERNEL_CONFIG, file.toString(), facts, cause);
  }

  private static String text(InputStream in) throws IOException {
    in.mark(2);
    boolean gzip = in.read() == 0x1F && in.read() == 0x8B;
    in.reset();
    InputStream plain = gzip ? new GZIPInputStream(in) : in;
    return new String(BoundedFiles.readAll(plain, MAX_BYTES, "its text"), StandardCharsets.UTF_8);
  }

  /**
   * Reads the configuration that a kernel carries in itself (CONFIG_IKCONFIG=y). A bzImage is
   * unpacked for it into the Java heap: 10 ms to 2 s, by its compression.
   *
   * @return empty if there is none, or the image can't be unpacked here
   * @throws MachineException with a {@code KERNEL_} problem if the file is no kernel
   */
  public static Optional<KernelConfig> fromImage(Path image) {
    try {
      KernelImage kernel = KernelImage.open(image);
      String origin = "the configuration in " + image;
      return KernelText.unpacked(kernel)
          .flatMap(KernelText::embeddedConfig)
          .map(text -> parse(text, origin));
    } catch (KernelFormatException e) {
      throw KernelSource.refused(e);
    }
  }

  private static String unquoted(String value) {
    if (value.length() < 2 || !value.startsWith("\"") || !value.endsWith("\"")) {
      return value;
    }
    StringBuilder text = new StringBuilder();
    for (int i = 1; i < value.length() - 1; i++) {
      if (value.charAt(i) == '\\' && i + 1 < value.length() - 1) {
        i++;
      }
      text.append(value.charAt(i));
    }
    return text.toString();
  }

  /**
   * The value of an option: {@code y}, {@code m}, a number, or a string without its quotes. Empty
   * if it is not set, be that said or not.
   */
  public Optional<String> value(String option) {
    String name = option.startsWith(PREFIX) ? option.substring(PREFIX.length()) : option;
    return Optional.ofNullable(values.get(name)).filter(value -> !value.equals("n"));
  }

  /** True if the option is {@code y}: in the kernel itself. */
  public boolean isBuiltIn(String option) {
    return value(option).filter("y"::equals).isPresent();
  }

  /** True if the option is {@code m}: in a module. */
  public boolean isModule(String option) {
    return value(option).filter("m"::equals).isPresent();
  }

  /** True if the option has any value but {@code n}. */
  public boolean isSet(String option) {
    return value(option).isPresent();
  }

  /** Where the configuration is from: a file's name, or a phrase. */
  public String origin() {
    return origin;
  }

  /** How many options it names, those that are not set included. */
  public int size() {
    return values.size();
  }
}
