// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a word, in any case, and names the words that there are when it is another.
 *
 * @param <E> the choice; its constants are the words in upper case
 */
public final class WordConverter<E extends Enum<E>> implements ITypeConverter<E> {
  private final Class<E> choice;

  public WordConverter(Class<E> choice) {
    this.choice = choice;
  }

  @Override
  public E convert(String word) {
    return Stream.of(choice.getEnumConstants())
        .filter(constant -> constant.name().equalsIgnoreCase(word))
        .findFirst()
        .orElseThrow(() -> new TypeConversionException("'" + word + "' is none of " + words()));
  }

  private String words() {
    return Stream.of(choice.getEnumConstants())
        .map(constant -> constant.name().toLowerCase(Locale.ROOT))
        .collect(Collectors.joining(", "));
  }
}
