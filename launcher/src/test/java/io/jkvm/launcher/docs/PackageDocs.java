// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.docs;

import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The table of packages, made from the first sentences of their package-info.java. */
final class PackageDocs {
  private static final Pattern COMMENT = Pattern.compile("/\\*\\*(.*?)\\*/", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("\\{@link\\s+(\\S+?)(?:\\s+([^}]*))?\\}");
  private static final Pattern CODE = Pattern.compile("\\{@code\\s+([^}]*)\\}");
  private static final Pattern SENTENCE = Pattern.compile("^(.*?)\\.(?:\\s+[A-Z{<`].*)?$");

  private PackageDocs() {}

  static String table() throws IOException {
    StringBuilder table = new StringBuilder("| package | what belongs in it |\n|---|---|\n");
    for (String module : ProjectFiles.MODULES) {
      Path sources = ProjectFiles.root().resolve(module).resolve("src/main/java");
      for (Path folder : packages(sources)) {
        String name = sources.relativize(folder).toString().replace('/', '.');
        Path info = folder.resolve("package-info.java");
        String text = Files.exists(info) ? firstSentence(Files.readString(info)) : "";
        table.append("| `").append(name).append("` | ").append(text).append(" |\n");
      }
    }
    return table.toString();
  }

  private static Set<Path> packages(Path sources) throws IOException {
    Set<Path> folders = new TreeSet<>();
    try (Stream<Path> tree = Files.walk(sources)) {
      tree.filter(file -> file.toString().endsWith(".java"))
          .forEach(f -> folders.add(f.getParent()));
    }
    return folders;
  }

  static String firstSentence(String source) {
    Matcher comment = COMMENT.matcher(source);
    if (!comment.find()) {
      return "";
    }
    String text = comment.group(1).replaceAll("\\s*\\n\\s*\\* ?", " ").strip();
    text = CODE.matcher(text).replaceAll("`$1`");
    text = LINK.matcher(text).replaceAll(PackageDocs::linkText);
    Matcher sentence = SENTENCE.matcher(text.replaceAll("\\s+", " "));
    return (sentence.matches() ? sentence.group(1) : text).replace("|", "\\|");
  }

  private static String linkText(java.util.regex.MatchResult link) {
    String target = link.group(2) == null ? link.group(1) : link.group(2);
    return "`" + target.replaceFirst("^.*\\.(?=[A-Z])", "").replace('#', '.') + "`";
  }
}
