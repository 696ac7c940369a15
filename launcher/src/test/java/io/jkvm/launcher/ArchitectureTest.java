// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.jkvm.core.testing.ProjectFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The layout of docs/architecture.md, as rules. */
class ArchitectureTest {
  private static final JavaClasses ALL =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("io.jkvm");

  private static final int MAX_FILES = 14;
  private static final int MAX_LINES = 400;

  @Test
  void theImportHasEveryModule() {
    for (String name : List.of("core.kvm.Kvm", "devices.pci.PciBus", "firmware.boot.BootPlan")) {
      assertTrue(ALL.contain("io.jkvm." + name), name);
    }
    assertTrue(ALL.contain("io.jkvm.machine.Machine"));
    assertTrue(ALL.contain("io.jkvm.launcher.Main"));
  }

  @Test
  void modulesDependDownwards() {
    noClasses()
        .that()
        .resideInAPackage("io.jkvm.core..")
        .should()
        .dependOnClassesThat(inModules("devices", "firmware", "machine", "launcher"))
        .check(ALL);
    noClasses()
        .that()
        .resideInAPackage("io.jkvm.devices..")
        .should()
        .dependOnClassesThat(inModules("firmware", "machine", "launcher"))
        .check(ALL);
    noClasses()
        .that()
        .resideInAPackage("io.jkvm.firmware..")
        .should()
        .dependOnClassesThat(inModules("devices", "machine", "launcher"))
        .check(ALL);
    noClasses()
        .that()
        .resideInAPackage("io.jkvm.machine..")
        .should()
        .dependOnClassesThat(inModules("launcher"))
        .check(ALL);
  }

  private static com.tngtech.archunit.base.DescribedPredicate<JavaClass> inModules(
      String... modules) {
    return resideInAnyPackage(
        Stream.of(modules).map(module -> "io.jkvm." + module + "..").toArray(String[]::new));
  }

  @Test
  void theLauncherKnowsTheMachineAlone() {
    noClasses()
        .that()
        .resideInAPackage("io.jkvm.launcher..")
        .should()
        .dependOnClassesThat(inModules("core", "devices", "firmware"))
        .check(ALL);
  }

  @Test
  void packagesHaveNoCircle() {
    slices().matching("io.jkvm.(**)").should().beFreeOfCycles().check(ALL);
  }

  @Test
  void onePackageOwnsTheKernel() {
    noClasses()
        .that(not(resideInAPackage("io.jkvm.core.linux..")))
        .should()
        .dependOnClassesThat(
            resideInAPackage("com.sun.jna..")
                .or(com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName("Libc")))
        .check(ALL);
  }

  @Test
  void onlyTheCommandTalksToItsUser() {
    noClasses()
        .that(not(resideInAPackage("io.jkvm.launcher..")))
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(Runtime.class, "addShutdownHook", Thread.class)
        .check(ALL);
  }

  @Test
  void nothingStaticChanges() {
    fields().that().areStatic().and().areNotPrivate().should().beFinal().check(ALL);
    fields().that().areStatic().should().beFinal().check(ALL);
  }

  @Test
  void everyRoomSaysWhatItIs() throws IOException {
    List<String> silent = new ArrayList<>();
    for (Map.Entry<Path, Long> room : filesByPackage().entrySet()) {
      if (!Files.exists(room.getKey().resolve("package-info.java"))) {
        silent.add(room.getKey().toString());
      }
    }
    assertEquals(List.of(), silent);
  }

  @Test
  void noRoomIsCrowdedWithoutAReason() throws IOException {
    List<String> crowded = new ArrayList<>();
    for (Map.Entry<Path, Long> room : filesByPackage().entrySet()) {
      Path info = room.getKey().resolve("package-info.java");
      if (room.getValue() > MAX_FILES
          && !(Files.exists(info) && Files.readString(info).contains("files because"))) {
        crowded.add(room.getValue() + " " + room.getKey());
      }
    }
    assertEquals(List.of(), crowded);
  }

  @Test
  void noFileIsLong() throws IOException {
    List<String> longFiles = new ArrayList<>();
    for (Path file : sources("src")) {
      try (Stream<String> lines = Files.lines(file)) {
        if (lines.count() > MAX_LINES) {
          longFiles.add(file.toString());
        }
      }
    }
    assertEquals(List.of(), longFiles);
  }

  /** A library can't know how its user's command spells an option. */
  @Test
  void noOptionOfTheCommandIsNamedBelowIt() throws IOException {
    // passt's and ip's own options are theirs: single words in a list of arguments.
    Pattern option = Pattern.compile("\"[^\"]*(?<![\\w-])--[a-z][a-z-]+[ =][^\"]*\"|'--|JKVM_JAVA");
    List<String> found = new ArrayList<>();
    for (Path file : sources("src/main")) {
      // The benchmarks start the command, as a user does.
      if (!file.toString().matches(".*/(launcher|benchmarks)/src/.*")) {
        for (String line : Files.readAllLines(file)) {
          if (option.matcher(line).find()) {
            found.add(file.getFileName() + ": " + line.strip());
          }
        }
      }
    }
    assertEquals(List.of(), found);
  }

  private static Map<Path, Long> filesByPackage() throws IOException {
    return sources("src/main").stream()
        .filter(file -> !file.endsWith("package-info.java"))
        .collect(Collectors.groupingBy(Path::getParent, TreeMap::new, Collectors.counting()));
  }

  private static List<Path> sources(String under) throws IOException {
    List<Path> files = new ArrayList<>();
    for (String module : ProjectFiles.MODULES) {
      try (Stream<Path> tree = Files.walk(ProjectFiles.root().resolve(module).resolve(under))) {
        tree.filter(file -> file.toString().endsWith(".java")).forEach(files::add);
      }
    }
    return files;
  }
}
