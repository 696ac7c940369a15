// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShareOptionTest {
  @ParameterizedTest
  @CsvSource({
    "/a,/a,/a,false",
    "'/a,ro',/a,/a,true",
    "/a:/mnt,/a,/mnt,false",
    "'/a:/mnt/x/,ro',/a,/mnt/x,true",
    "/a/../b,/a/../b,/b,false",
    "a:b:/c,a:b,/c,false",
  })
  void isTakenApart(String text, String host, String guest, boolean readOnly) {
    ShareOption option = ShareOption.parse(text);
    assertEquals(Path.of(host), option.host());
    assertEquals(guest, option.guest());
    assertEquals(readOnly, option.readOnly());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a,b", "a:b", "a,ro"})
  void aNameMayHaveColonsAndCommas(String name, @TempDir Path folder) throws IOException {
    Path directory = Files.createDirectory(folder.resolve(name));
    ShareOption placed = ShareOption.parse(directory + ":/mnt");
    assertEquals(new ShareOption(directory, "/mnt", false), placed);
    ShareOption option = ShareOption.parse(directory + ",ro");
    assertEquals(new ShareOption(directory, directory.toString(), true), option);
  }

  @ParameterizedTest
  @CsvSource({
    "/a:b,'a place in the guest begins with ''/'', as in /a:/mnt'",
    "/a:,'a place in the guest begins with ''/'', as in /a:/mnt'",
    "'a:b,ro','a place in the guest begins with ''/'', as in a:/mnt'",
    "/a:/mnt:ro,'no option of a share; '',ro'' is, as in /a:/mnt,ro'",
    "/a:/mnt:rw,':rw'' in ''/a:/mnt:rw'' is no option of a share'",
    "a:ro,'no option of a share; '',ro'' is, as in a,ro'",
    "'/a,rw','''rw'' in ''/a,rw'' is no option of a share; ''ro'' is'",
    "'/a,ro,ro','''ro'' in ''/a,ro,ro'' is no option of a share; ''ro'' is'",
  })
  void whatIsNoNameIsExplained(String text, String words) {
    String said =
        assertThrows(IllegalArgumentException.class, () -> ShareOption.parse(text)).getMessage();
    assertTrue(said.contains(words), said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a:/mnt,foo", "/a:/mnt,rw", "/a:/mnt,r0", "/a:/mnt,foo,ro", "/a:/,b"})
  void aPlaceHasNoComma(String text) {
    String said =
        assertThrows(IllegalArgumentException.class, () -> ShareOption.parse(text)).getMessage();
    assertTrue(said.contains("is no option of a share; 'ro' is"), said);
  }

  @Test
  void aRelativeNameIsThisDirectorys() {
    String here = Path.of("").toAbsolutePath().toString();
    assertEquals(here + "/data", ShareOption.parse("data").guest());
    assertEquals(here, ShareOption.parse(".").guest());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",ro", ":/mnt"})
  void namesADirectory(String text) {
    String said =
        assertThrows(IllegalArgumentException.class, () -> ShareOption.parse(text)).getMessage();
    assertTrue(said.contains("names no directory"), said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/a:/", "/a:/b/..", "/,ro"})
  void isNotTheGuestsRoot(String text) {
    String said =
        assertThrows(IllegalArgumentException.class, () -> ShareOption.parse(text)).getMessage();
    assertTrue(said.contains("the guest's root"), said);
  }
}
