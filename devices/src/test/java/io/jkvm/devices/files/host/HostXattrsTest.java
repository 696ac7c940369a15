// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.fails;
import static io.jkvm.devices.files.host.HostShare.memory;
import static io.jkvm.devices.files.host.HostShare.ok;
import static io.jkvm.devices.files.host.HostShare.string;
import static io.jkvm.devices.files.host.HostShare.text;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.files.DirectoryIo;
import io.jkvm.core.linux.files.ExtendedAttributes;
import io.jkvm.core.linux.files.HandleIo;
import io.jkvm.core.linux.files.OpenHow;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.OpenFlags;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostXattrsTest {
  @TempDir Path path;
  private HostShare share;
  private long node;
  private final NativeMemory buffer = new NativeMemory(256);

  @BeforeEach
  void open() throws IOException {
    share = new HostShare(path);
    share.file("f", "");
    node = share.node("f");
    assumeTrue(set("user.probe", "x", 0) == 0, "user attributes");
    ok(share.tree.removeExtendedAttribute(node, text("user.probe")));
  }

  @AfterEach
  void close() {
    share.close();
  }

  private int set(String name, String value, int flags) {
    return share.tree.setExtendedAttribute(node, text(name), memory(value), value.length(), flags);
  }

  private int get(String name, int size) {
    return share.tree.extendedAttribute(node, text(name), buffer, size);
  }

  private String list(long of) {
    int length = (int) ok(share.tree.extendedAttributeNames(of, buffer, 256));
    return string(buffer, length);
  }

  @Test
  void thoseOfUsers() {
    assertTrue(share.tree.hasExtendedAttributes());
    fails(Errno.ENODATA, get("user.a", 256));
    fails(Errno.ENODATA, set("user.a", "x", OpenFlags.XATTR_REPLACE));
    ok(set("user.a", "value", OpenFlags.XATTR_CREATE));
    fails(Errno.EEXIST, set("user.a", "x", OpenFlags.XATTR_CREATE));
    assertEquals(5, get("user.a", 0));
    fails(Errno.ERANGE, get("user.a", 4));
    assertEquals("value", string(buffer, (int) ok(get("user.a", 5))));
    ok(set("user.empty", "", 0));
    assertEquals(0, get("user.empty", 256));
    assertTrue(share.tree.extendedAttributeNames(node, buffer, 0) >= 18);
    assertTrue(list(node).contains("user.a\0"));
    fails(Errno.ERANGE, share.tree.extendedAttributeNames(node, buffer, 3));
    ok(share.tree.removeExtendedAttribute(node, text("user.a")));
    fails(Errno.ENODATA, share.tree.removeExtendedAttribute(node, text("user.a")));
    assertEquals("user.empty\0", list(node).replace("security.selinux\0", ""));
  }

  @Test
  void othersAreRefused() throws IOException {
    HostShare.assumeRoot();
    int root = new OpenHow(OpenHow.O_PATH, 0, 0).open(DirectoryIo.AT_FDCWD, text(path + "/f"));
    ExtendedAttributes host = new ExtendedAttributes();
    assumeTrue(host.set(root, text("trusted.t"), memory("x").address(), 1, 0) == 0);
    assertEquals("", list(node));
    fails(Errno.EOPNOTSUPP, get("trusted.t", 256));
    fails(Errno.EOPNOTSUPP, set("trusted.t", "y", 0));
    fails(Errno.EOPNOTSUPP, share.tree.removeExtendedAttribute(node, text("trusted.t")));
    fails(Errno.EOPNOTSUPP, get("security.selinux", 256));
    fails(Errno.EOPNOTSUPP, get("nonsense", 256));
    ok(set("user.a", "x", 0));
    assertEquals("user.a\0", list(node));
    HandleIo.close(root);
  }

  @Test
  void noFileGetsCapabilities() {
    fails(Errno.EPERM, set("security.capability", "x", 0));
    fails(Errno.ENODATA, get("security.capability", 256));
  }

  @Test
  void linksAndFifosAreNotOpened() {
    ok(share.symlink(ROOT, "l", "f"));
    ok(set("user.a", "x", 0));
    node = share.entry.node;
    assertEquals("", list(node));
    fails(Errno.EPERM, set("user.b", "x", 0));
    ok(share.mknod(ROOT, "p", FileMode.FIFO | 0600));
    node = share.entry.node;
    assertEquals("", list(node));
    fails(Errno.EPERM, set("user.b", "x", 0));
    node = 999;
    fails(Errno.ESTALE, set("user.b", "x", 0));
    fails(Errno.ESTALE, get("user.b", 0));
    fails(Errno.ESTALE, share.tree.extendedAttributeNames(node, buffer, 0));
    fails(Errno.ESTALE, share.tree.removeExtendedAttribute(node, text("user.b")));
  }
}
