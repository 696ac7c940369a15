// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;

/** An archive as somebody else's reader sees it; names have one char for each byte. */
public record Archive(Map<String, CpioArchiveEntry> entries, Map<String, byte[]> contents) {
  static Archive of(InitramfsBuilder builder) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    builder.write(out);
    if (out.size() != builder.size()) {
      throw new IOException("size() said " + builder.size() + ", there are " + out.size());
    }
    return of(out.toByteArray());
  }

  /** Of the archive's bytes. */
  public static Archive of(byte[] bytes) throws IOException {
    Archive archive = new Archive(new LinkedHashMap<>(), new LinkedHashMap<>());
    try (CpioArchiveInputStream in =
        new CpioArchiveInputStream(new ByteArrayInputStream(bytes), 512, "ISO-8859-1")) {
      for (CpioArchiveEntry e = in.getNextEntry(); e != null; e = in.getNextEntry()) {
        if (archive.entries.put(e.getName(), e) != null) {
          throw new IOException(e.getName() + " is there twice");
        }
        archive.contents.put(e.getName(), in.readAllBytes());
      }
    }
    return archive;
  }

  /** In the archive's order. */
  public List<String> names() {
    return new ArrayList<>(entries.keySet());
  }

  /** Whether there is an entry of a name. */
  public boolean has(String name) {
    return entries.containsKey(name);
  }

  /** Content, or where a link leads. */
  public String text(String name) {
    return new String(contents.get(name), StandardCharsets.ISO_8859_1);
  }

  /** Type and permissions in octal. */
  public String mode(String name) {
    return Long.toOctalString(entries.get(name).getMode());
  }
}
