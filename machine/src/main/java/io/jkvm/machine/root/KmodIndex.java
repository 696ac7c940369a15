// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.root;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * A list in the form in which kmod's modprobe(8) reads it: a tree of characters (kmod,
 * libkmod/libkmod-index.c, version 2.1). Numbers are big-endian; a node is written after those
 * below it, and referred to by its offset with a bit for each part that it has.
 */
final class KmodIndex {
  private static final int MAGIC = 0xB007F457;
  private static final int VERSION = 0x0002_0001;
  private static final int HEADER_BYTES = 12;
  private static final int HAS_VALUES = 1 << 30;
  private static final int HAS_CHILDREN = 1 << 29;
  private static final int MAX_KEY = 1024;

  /** Without the prefixes by which depmod makes its files smaller. */
  private static final class Node {
    private final TreeMap<Character, Node> children = new TreeMap<>();
    private final List<String> values = new ArrayList<>();
  }

  private final Node root = new Node();

  /** Adds a value; one of a key that can't be in such a list, which is ASCII, is left out. */
  void add(String key, String value) {
    if (key.length() > MAX_KEY || key.chars().anyMatch(c -> c <= ' ' || c > '~')) {
      return;
    }
    Node node = root;
    for (char c : key.toCharArray()) {
      node = node.children.computeIfAbsent(c, each -> new Node());
    }
    node.values.add(value);
  }

  byte[] bytes() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(MAGIC);
    out.writeInt(VERSION);
    out.writeInt(0);
    int start = write(root, out);
    byte[] all = bytes.toByteArray();
    ByteBuffer.wrap(all).putInt(HEADER_BYTES - Integer.BYTES, start);
    return all;
  }

  /** Gives its offset with its bits. */
  private static int write(Node node, DataOutputStream out) throws IOException {
    TreeMap<Character, Integer> below = new TreeMap<>();
    for (var child : node.children.entrySet()) {
      below.put(child.getKey(), write(child.getValue(), out));
    }
    int at = out.size();
    if (!below.isEmpty()) {
      at |= HAS_CHILDREN;
      out.writeByte(below.firstKey());
      out.writeByte(below.lastKey());
      for (char c = below.firstKey(); c <= below.lastKey(); c++) {
        out.writeInt(below.getOrDefault(c, 0));
      }
    }
    if (!node.values.isEmpty()) {
      at |= HAS_VALUES;
      out.writeInt(node.values.size());
      for (int priority = 0; priority < node.values.size(); priority++) {
        out.writeInt(priority);
        out.write(node.values.get(priority).getBytes(StandardCharsets.UTF_8));
        out.writeByte(0);
      }
    }
    return at;
  }
}
