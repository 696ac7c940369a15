// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.host.nodes.HostNode;
import io.jkvm.devices.files.host.nodes.HostThread;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Extended attributes of nodes in use. The guest has those of {@code user.}, of {@code security.}
 * and access control lists, as far as this process may; but no file gets capabilities by it, which
 * would count on the host, and labels of SELinux and Smack, which would mean something else in the
 * guest, are not seen. Others ({@code trusted.}) are EOPNOTSUPP and not listed.
 */
final class HostXattrs {
  private static final byte[] USER = bytes("user.");
  private static final byte[] SECURITY = bytes("security.");
  private static final byte[] ACCESS_LIST = bytes("system.posix_acl_");
  private static final byte[] CAPABILITY = bytes("security.capability");
  private static final byte[] SELINUX = bytes("security.selinux");
  private static final byte[] SMACK = bytes("security.SMACK64");

  private HostXattrs() {}

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static boolean begins(ByteBuffer names, int at, int length, byte[] prefix) {
    if (length < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (names.get(at + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isSeen(ByteBuffer names, int at, int length) {
    boolean security =
        begins(names, at, length, SECURITY)
            && !begins(names, at, length, SELINUX)
            && !begins(names, at, length, SMACK);
    return security || begins(names, at, length, USER) || begins(names, at, length, ACCESS_LIST);
  }

  static int get(HostThread thread, HostNode node, NativeName name, NativeMemory value, int size) {
    if (!isSeen(thread.text, 0, name.copyTo(thread.bytes))) {
      return -Errno.EOPNOTSUPP;
    }
    if (node.isSpecial()) {
      return -Errno.ENODATA;
    }
    int result = thread.xattrs.get(node.handle(), name, value.address(), size);
    Reference.reachabilityFence(value);
    return result;
  }

  static int set(
      HostThread thread, HostNode node, NativeName name, NativeMemory value, int size, int flags) {
    int length = name.copyTo(thread.bytes);
    if (!isSeen(thread.text, 0, length)) {
      return -Errno.EOPNOTSUPP;
    }
    if (node.isSpecial() || begins(thread.text, 0, length, CAPABILITY)) {
      return -Errno.EPERM;
    }
    int result = thread.xattrs.set(node.handle(), name, value.address(), size, flags);
    Reference.reachabilityFence(value);
    return result;
  }

  static int remove(HostThread thread, HostNode node, NativeName name) {
    if (!isSeen(thread.text, 0, name.copyTo(thread.bytes))) {
      return -Errno.EOPNOTSUPP;
    }
    return node.isSpecial() ? -Errno.EPERM : thread.xattrs.remove(node.handle(), name);
  }

  static int list(HostThread thread, HostNode node, NativeMemory names, int size) {
    if (node.isSpecial()) {
      return 0;
    }
    int length = thread.xattrs.list(node.handle(), names.address(), size);
    Reference.reachabilityFence(names);
    return length <= 0 || size == 0 ? length : withoutUnseen(names.buffer(), length);
  }

  private static int withoutUnseen(ByteBuffer names, int length) {
    int kept = 0;
    int at = 0;
    while (at < length) {
      int end = at;
      while (end < length && names.get(end) != 0) {
        end++;
      }
      if (isSeen(names, at, end - at)) {
        for (int i = at; i <= end && i < length; i++) {
          names.put(kept, names.get(i));
          kept++;
        }
      }
      at = end + 1;
    }
    return kept;
  }
}
