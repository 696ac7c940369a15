// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.assumeRoot;
import static io.jkvm.core.linux.files.TestDirectory.memory;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.NativeMemory;
import io.jkvm.core.linux.ThreadPrivileges;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

// An open of a FIFO without a writer would never return.
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExtendedAttributesTest {
  @TempDir Path path;
  private TestDirectory directory;
  private final ExtendedAttributes attributes = new ExtendedAttributes();
  private final NativeMemory buffer = new NativeMemory(1 << 16);

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
    int result = set(directory.fd(), "user.probe", "", 0);
    assumeTrue(result != -Errno.EOPNOTSUPP, "this file system has no attributes of users");
    ok(result);
    ok(attributes.remove(directory.fd(), name("user.probe")));
  }

  @AfterEach
  void close() {
    directory.close();
  }

  private int set(int handle, String name, String value, int flags) {
    return attributes.set(handle, name(name), memory(value).address(), value.length(), flags);
  }

  private int get(int handle, String name, int size) {
    return attributes.get(handle, name(name), buffer.address(), size);
  }

  private String value(int handle, String name) {
    return TestDirectory.text(buffer.buffer(), 0, ok(get(handle, name, 1 << 16)));
  }

  private Set<String> list(int handle) {
    int length = ok(attributes.list(handle, buffer.address(), 1 << 16));
    String list = TestDirectory.text(buffer.buffer(), 0, length);
    return list.isEmpty() ? Set.of() : Set.copyOf(List.of(list.split("\0")));
  }

  private void roundTrip(int handle, String name) {
    for (String value : new String[] {"", "v", "\0\u00ff\n", "z".repeat(3000)}) {
      ok(set(handle, name, value, 0));
      assertEquals(value, value(handle, name));
      assertEquals(value.length(), get(handle, name, 0));
    }
    assertErrno(Errno.ERANGE, get(handle, name, 2999));
    assertErrno(Errno.EEXIST, set(handle, name, "v", ExtendedAttributes.XATTR_CREATE));
    ok(set(handle, name, "w", ExtendedAttributes.XATTR_REPLACE));
    assertTrue(list(handle).contains(name));
    ok(attributes.remove(handle, name(name)));
    assertErrno(Errno.ENODATA, get(handle, name, 10));
    assertErrno(Errno.ENODATA, attributes.remove(handle, name(name)));
    assertErrno(Errno.ENODATA, set(handle, name, "v", ExtendedAttributes.XATTR_REPLACE));
    ok(set(handle, name, "v", ExtendedAttributes.XATTR_CREATE));
    ok(attributes.remove(handle, name(name)));
  }

  @Test
  void ofFilesAndDirectories() {
    directory.create("file");
    for (int handle : new int[] {directory.handle("file"), directory.fd()}) {
      roundTrip(handle, "user.name");
      roundTrip(handle, "user.\u00ff\n " + "n".repeat(240));
    }
  }

  @Test
  void ofOpenFiles() {
    int fd = directory.create("file");
    NativeName name = name("user.a");
    assertEquals(0, ExtendedAttributes.flist(fd, buffer.address(), 0));
    ok(ExtendedAttributes.fset(fd, name, memory("value").address(), 5, 0));
    assertEquals("value", value(directory.handle("file"), "user.a"));
    assertEquals(5, ExtendedAttributes.fget(fd, name, buffer.address(), 10));
    assertEquals(7, ExtendedAttributes.flist(fd, buffer.address(), 10));
    assertEquals("user.a\0", TestDirectory.text(buffer.buffer(), 0, 7));
    ok(ExtendedAttributes.fremove(fd, name));
    assertErrno(Errno.ENODATA, ExtendedAttributes.fget(fd, name, buffer.address(), 10));
    int handle = directory.handle("file");
    assertErrno(Errno.EBADF, ExtendedAttributes.fget(handle, name, buffer.address(), 10));
    assertErrno(Errno.EBADF, ExtendedAttributes.fset(handle, name, buffer.address(), 1, 0));
    assertErrno(Errno.EBADF, ExtendedAttributes.flist(handle, buffer.address(), 10));
    assertErrno(Errno.EBADF, ExtendedAttributes.fremove(handle, name));
  }

  @Test
  void othersHaveNoneOfUsersButThoseOfRoot() {
    directory.create("target");
    directory.link("target", "link");
    directory.make("fifo", FileMode.S_IFIFO | 0600);
    directory.make("socket", FileMode.S_IFSOCK | 0600);
    for (String each : new String[] {"link", "fifo", "socket"}) {
      int handle = directory.handle(each);
      assertErrno(Errno.EPERM, set(handle, "user.a", "v", 0));
      assertEquals(0, attributes.list(handle, buffer.address(), 0));
    }
    assumeRoot();
    int allowed = set(directory.handle("target"), "trusted.mine", "v", 0);
    assumeTrue(allowed != -Errno.EPERM, "root without CAP_SYS_ADMIN");
    ok(allowed);
    for (String each : new String[] {"link", "fifo", "socket"}) {
      int handle = directory.handle(each);
      roundTrip(handle, "trusted.a");
      assertErrno(Errno.ENODATA, get(handle, "trusted.mine", 10));
    }
    assertEquals(Set.of("trusted.mine"), list(directory.handle("target")));
  }

  @Test
  void afterTheLastNameIsGone() {
    directory.create("file");
    int handle = directory.handle("file");
    ok(DirectoryIo.unlinkat(directory.fd(), name("file"), 0));
    roundTrip(handle, "user.a");
  }

  @Test
  void sizesThatAreNone() {
    int fd = directory.create("file");
    int handle = directory.handle("file");
    NativeName name = name("user.a");
    ok(set(handle, "user.a", "v", 0));
    assertErrno(Errno.EINVAL, get(handle, "user.a", -1));
    assertErrno(Errno.EINVAL, attributes.set(handle, name, buffer.address(), -1, 0));
    assertErrno(Errno.EINVAL, attributes.list(handle, buffer.address(), -1));
    assertErrno(Errno.EINVAL, ExtendedAttributes.fget(fd, name, buffer.address(), -1));
    assertErrno(Errno.EINVAL, ExtendedAttributes.flist(fd, buffer.address(), -1));
    assertErrno(Errno.E2BIG, attributes.set(handle, name, buffer.address(), (1 << 16) + 1, 0));
    assertErrno(Errno.ERANGE, attributes.list(handle, buffer.address(), 3));
    assertErrno(Errno.EINVAL, set(handle, "user.a", "v", 4));
    assertErrno(Errno.EOPNOTSUPP, set(handle, "nonsense", "v", 0));
    NativeName empty = new NativeName(NativeName.NAME_MAX);
    assertErrno(Errno.ERANGE, attributes.get(handle, empty, buffer.address(), 10));
    assertErrno(Errno.ENOENT, get(-1, "user.a", 10));
    assertEquals("v", value(handle, "user.a"));
  }

  @Test
  void anOrdinaryUserHasNoneOfRootWithoutItsCapability() throws Exception {
    assumeRoot();
    directory.create("file");
    int handle = directory.handle("file");
    ok(HandleIo.chown(handle, 1000, 1000));
    TestDirectory.asUser(
        1000,
        () -> {
          ok(set(handle, "user.a", "v", 0));
          assertEquals("v", value(handle, "user.a"));
          assertErrno(Errno.EACCES, set(directory.fd(), "user.a", "v", 0));
          // CAP_SYS_ADMIN is none of the capabilities that go with the user.
          ok(set(handle, "trusted.a", "v", 0));
          ThreadPrivileges.dropCapabilities();
          assertErrno(Errno.EPERM, set(handle, "trusted.a", "w", 0));
          assertErrno(Errno.ENODATA, get(handle, "trusted.a", 10));
          assertEquals(Set.of("user.a"), list(handle));
          return null;
        });
  }
}
