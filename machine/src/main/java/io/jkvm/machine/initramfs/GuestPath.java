// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.initramfs;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An absolute path in a guest, made of bytes as Linux has it. Empty names and {@code .} are
 * dropped; {@code ..} is kept, since what it means depends on the links before it.
 */
public final class GuestPath {
  /** The root directory. */
  public static final GuestPath ROOT = new GuestPath(List.of());

  /** One char (0 to 255) for each byte. */
  private final List<String> names;

  private GuestPath(List<String> names) {
    this.names = names;
  }

  /**
   * A path, its characters as UTF-8.
   *
   * @param path relative to the root directory, with or without a slash before it
   * @throws IllegalArgumentException if it has a NUL or half of a surrogate pair
   */
  public static GuestPath of(String path) {
    return ofRaw(encode(path));
  }

  /** Text as UTF-8, one char for each byte. */
  static String encode(String text) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      return StandardCharsets.ISO_8859_1.decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("not a path: " + text, e);
    }
  }

  /**
   * A path of any bytes.
   *
   * @param path relative to the root directory, with or without a slash before it
   * @throws IllegalArgumentException if it has a NUL
   */
  public static GuestPath of(byte[] path) {
    return ofRaw(new String(path, StandardCharsets.ISO_8859_1));
  }

  /** The bytes of a path on the host, made absolute; exact also for names that do not decode. */
  public static GuestPath of(Path host) {
    return ofRaw(HostFiles.raw(host.toAbsolutePath()));
  }

  /** From one char for each byte. */
  static GuestPath ofRaw(String path) {
    return ROOT.append(path);
  }

  /** This path with a relative one after it, which may have several names. */
  GuestPath append(String raw) {
    if (raw.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("a path with a NUL: " + show(raw));
    }
    List<String> all = new ArrayList<>(names);
    all.addAll(split(raw));
    return new GuestPath(List.copyOf(all));
  }

  /** The names of a raw path, without those that change nothing. */
  static List<String> split(String raw) {
    List<String> found = new ArrayList<>();
    for (String name : raw.split("/")) {
      if (!name.isEmpty() && !name.equals(".")) {
        found.add(name);
      }
    }
    return found;
  }

  List<String> names() {
    return names;
  }

  boolean isRoot() {
    return names.isEmpty();
  }

  /** The last name, raw; not for the root. */
  String lastName() {
    return names.get(names.size() - 1);
  }

  /** The directory that it is in; the root is in itself. */
  GuestPath parent() {
    return isRoot() ? this : new GuestPath(names.subList(0, names.size() - 1));
  }

  /** With a slash before it, one char for each byte. */
  String raw() {
    return "/" + String.join("/", names);
  }

  /** With a slash before it. */
  public byte[] toBytes() {
    return raw().getBytes(StandardCharsets.ISO_8859_1);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GuestPath path && path.names.equals(names);
  }

  @Override
  public int hashCode() {
    return names.hashCode();
  }

  /** For messages: UTF-8 where it is, and escapes on one line for what is not printable. */
  @Override
  public String toString() {
    return show(raw());
  }

  /** A raw string for messages. */
  static String show(String raw) {
    byte[] bytes = raw.getBytes(StandardCharsets.ISO_8859_1);
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      text = null;
    }
    StringBuilder shown = new StringBuilder();
    for (char c : (text == null ? raw : text).toCharArray()) {
      if (Character.isISOControl(c) || text == null && c > 0x7e) {
        shown.append(String.format("\\x%02x", (int) c));
      } else {
        shown.append(c);
      }
    }
    return shown.toString();
  }
}
