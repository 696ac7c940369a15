// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.results.ktap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.machine.results.EndClass;
import io.jkvm.machine.results.TestCase;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What stands in a result's line, and what between results. Traps, row 52. */
class ResultLineTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      ignoreLeadingAndTrailingWhitespace = true,
      value = {
        "ok 1 a; pass a",
        "ok 1 - a; pass a",
        "ok 1    a   b; pass a   b",
        "not ok 1 a; fail a",
        "not ok 1 - a; fail a",
        "not ok 2 x # SKIP why; skip x | why",
        "ok 2 x # skip why; skip x | why",
        "ok 2 x # SKIPPED: why; skip x | why",
        "ok 2 x #SKIP; skip x",
        "ok 2 x # SKIP see #12 # and more; skip x | see #12 # and more",
        "not ok 2 x # TODO later; xfail x | later",
        "ok 2 x # TODO later; pass x | later",
        "ok 2 x # XFAIL known; xfail x | known",
        "not ok 2 x # TIMEOUT 45 seconds; timeout x | 45 seconds",
        "not ok 2 x # ERROR no memory; error x | no memory",
        "ok 2 x # errors: 0; pass x | errors: 0",
        "ok 5 check return code # rcode=0; pass check return code | rcode=0",
        "ok 3 issue #12 is fixed; pass issue #12 is fixed",
        "ok 3 C# # SKIP no compiler; skip C# | no compiler",
        "ok 3 a \\# b; pass a # b",
        "ok 3 a \\# SKIP b; pass a # SKIP b",
        "ok 4; pass test 4",
        "ok 4 -; pass test 4",
        "not ok 4 # SKIP why; skip test 4 | why",
        "ok 4 # 3 lines; pass test 4 | 3 lines",
        "ok - x; pass x",
        "[    1.234567] ok 5 x; pass x",
        "[  1.2][  T1] ok 5 x; pass x",
        "[  1.2][ C12] not ok 5 x; fail x",
        "<6>[    1.2] ok 5 x; pass x",
        "<6>ok 5 x; pass x",
        "not ok 1 selftests: a: b # exit=4; skip selftests: a: b | exit=4",
        "not ok 1 selftests: a: b # exit=124; timeout selftests: a: b | exit=124",
        "not ok 1 selftests: a: b # exit=1; fail selftests: a: b | exit=1",
        "not ok 1 b # exit=4; fail b | exit=4",
        "not ok 1 b # exit=124; fail b | exit=124",
        "ok 3 - a  (10.0.1.1      )   # time=5693ms; pass a  (10.0.1.1      ) | time=5693ms",
      })
  void aLine(String line, String result) {
    assertEquals(result + "\n", Parsed.tree("TAP version 13\n" + line + "\n"));
  }

  @ParameterizedTest
  @CsvSource({
    "ok 1 a # time=5693ms,PT5.693S",
    "ok 1 a # time=1.5s,PT1.5S",
    "ok 1 a # time=2,PT2S",
    "not ok 1 a # exit=1 time=250us,PT0.00025S",
    "ok 1 a # time=0.25ms,PT0.00025S",
    "ok 1 a # SKIP why time=7ns,PT0.000000007S",
    "ok 1 a # time=999999999999s,PT277777777H46M39S",
    "ok 1 a time=5ms,",
    "ok 1 a # time=99999999999999999999ms,",
    "ok 1 a # uptime=5ms,"
  })
  void aTime(String line, Duration time) {
    TestResults results = Parsed.results("TAP version 13\n" + line + "\n", EndClass.EXITED);
    assertEquals(Optional.ofNullable(time), results.cases().get(0).time());
  }

  @Test
  void aNumberThatIsTooLongIsNoResult() {
    assertEquals(
        "no-tests no tests\n",
        Parsed.tree("TAP version 13\nok 99999999999999999999 a\n1..99999999999\n"));
  }

  @Test
  void lineSeparatorsOfUnicodeDoNotHideAFailure() {
    assertEquals(
        "fail a\\u2028b\nfail c\\u0085\n",
        Parsed.tree("TAP version 13\nnot ok 1 a\u2028b\nnot ok 2 c\u0085\n"));
  }

  @Test
  void messagesOfTheKernelMayStandBetween() {
    TestResults results =
        Parsed.results(
            """
            [    1.0] KTAP version 1
            [    1.0] 1..2
            [    1.1] usb 1-1: new device
            [    1.1] ok 1 a
            [    1.2] # b looked at 3 things
            [    1.2] usb 1-1: gone
            [    1.3] not ok 2 b
            [    1.4] something else
            """,
            EndClass.EXITED);
    assertEquals("pass a\nfail b\n", Parsed.tree(results));
    assertEquals("", results.cases().get(0).excerpt());
    assertEquals(
        "[    1.2] # b looked at 3 things\n[    1.2] usb 1-1: gone\n",
        results.cases().get(1).excerpt());
  }

  @Test
  void diagnosticsInYamlBelongToTheResultBefore() {
    TestResults results =
        Parsed.results(
            """
            TAP version 13
            1..3
            not ok 1 a
              ---
              message: broken
              ok 7 no result
              ...
            not ok 2 b
              ---
              message: without end
            ok 3 c
            """,
            EndClass.EXITED);
    assertEquals("fail a\nfail b\npass c\n", Parsed.tree(results));
    assertTrue(results.cases().get(0).excerpt().contains("message: broken"));
    assertFalse(results.cases().get(1).excerpt().contains("broken"));
    assertTrue(results.cases().get(1).excerpt().contains("message: without end"));
  }

  @Test
  void hostileNamesAreOneLineOfBoundedLength() {
    TestResults results =
        Parsed.results(
            "TAP version 13\nok 1 \u001b[31mred\u0007\u202eb\nok 2 " + "n".repeat(5000) + "\n",
            EndClass.EXITED);
    assertEquals("red\\x07\\u202eb", results.cases().get(0).name());
    TestCase cut = results.cases().get(1);
    assertEquals(KtapLimits.DEFAULT.nameCharacters(), cut.name().length());
  }
}
