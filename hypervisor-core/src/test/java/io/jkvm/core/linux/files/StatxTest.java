// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux.files;

import static io.jkvm.core.linux.files.TestDirectory.assertErrno;
import static io.jkvm.core.linux.files.TestDirectory.assumeRoot;
import static io.jkvm.core.linux.files.TestDirectory.name;
import static io.jkvm.core.linux.files.TestDirectory.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.core.linux.Fd;
import io.jkvm.core.linux.FileIo;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.linux.NativeMemory;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Statx and StatFs against what the JDK reads, and FileMode. */
class StatxTest {
  @TempDir Path path;
  private TestDirectory directory;
  private final Statx stat = new Statx();

  @BeforeEach
  void open() {
    directory = new TestDirectory(path);
  }

  @AfterEach
  void close() {
    directory.close();
  }

  /** Reads by name, compares with the JDK, reads by handle, compares again. */
  private void compare(String name) throws Exception {
    Map<String, Object> expected =
        Files.readAttributes(path.resolve(name), "unix:*", LinkOption.NOFOLLOW_LINKS);
    ok(stat.readEntry(directory.fd(), name(name), 0, Statx.STATX_BASIC_STATS));
    compare(expected);
    Statx byHandle = new Statx();
    int handle = directory.handle(name);
    ok(byHandle.read(handle, Statx.AT_STATX_FORCE_SYNC, Statx.STATX_BASIC_STATS));
    assertEquals(stat.inode(), byHandle.inode());
    ok(stat.read(handle, 0, Statx.STATX_BASIC_STATS));
    compare(expected);
  }

  private void compare(Map<String, Object> expected) {
    assertEquals(Statx.STATX_BASIC_STATS, stat.mask() & Statx.STATX_BASIC_STATS);
    assertEquals(expected.get("mode"), stat.mode());
    assertEquals(expected.get("ino"), stat.inode());
    assertEquals(expected.get("nlink"), stat.links());
    assertEquals(expected.get("uid"), stat.uid());
    assertEquals(expected.get("gid"), stat.gid());
    assertEquals(expected.get("size"), stat.size());
    long device = (Long) expected.get("dev");
    assertEquals(device, FileMode.device(stat.deviceMajor(), stat.deviceMinor()));
    assertEquals(stat.deviceMajor(), stat.device() >>> 32);
    assertEquals(stat.deviceMinor(), (int) stat.device());
    long rdev = (Long) expected.get("rdev");
    assertEquals(rdev, FileMode.device(stat.rdevMajor(), stat.rdevMinor()));
    // The JDK gives up nanoseconds of some times, so these are compared with what is set below.
    assertEquals(seconds(expected.get("lastAccessTime")), stat.accessSeconds());
    assertEquals(seconds(expected.get("lastModifiedTime")), stat.modificationSeconds());
    assertEquals(seconds(expected.get("ctime")), stat.changeSeconds());
  }

  private static long seconds(Object time) {
    return Math.floorDiv(((FileTime) time).to(TimeUnit.MICROSECONDS), 1_000_000L);
  }

  @Test
  void everyTypeAsTheJdkSeesIt() throws Exception {
    int file = directory.create("file");
    ok(FileDataIo.truncate(file, 5L << 30));
    ok(DirectoryIo.linkat(directory.fd(), name("file"), directory.fd(), name("other"), 0));
    directory.makeDirectory("directory");
    directory.make("fifo", FileMode.S_IFIFO | 0600);
    directory.make("socket", FileMode.S_IFSOCK | 0640);
    directory.link("nowhere", "link");
    for (String name : new String[] {"file", "other", "directory", "fifo", "socket", "link"}) {
      compare(name);
    }
    assertEquals(5L << 30, directory.stat("file").size());
    assertTrue(directory.stat("file").blocks() < 100, "sparse");
    assertEquals(2, directory.stat("other").links());
    assertTrue(FileMode.isRegular(directory.stat("file").mode()));
    assertTrue(FileMode.isDirectory(directory.stat("directory").mode()));
    assertTrue(FileMode.isFifo(directory.stat("fifo").mode()));
    assertTrue(FileMode.isSocket(directory.stat("socket").mode()));
    assertTrue(FileMode.isSymbolicLink(directory.stat("link").mode()));
    assertEquals("nowhere".length(), directory.stat("link").size());
  }

  @Test
  void timesToTheNanosecondAndBefore1970() {
    directory.create("file");
    FileTimes times = new FileTimes();
    ok(times.setAccess(-2, 123456789));
    ok(times.setModification(1L << 33, 999999999));
    ok(new HandleIo().utimens(directory.handle("file"), times));
    Statx got = directory.stat("file");
    assertEquals(-2, got.accessSeconds());
    assertEquals(123456789, got.accessNanoseconds());
    assertEquals(1L << 33, got.modificationSeconds());
    assertEquals(999999999, got.modificationNanoseconds());
    long now = System.currentTimeMillis() / 1000;
    assertTrue(Math.abs(got.changeSeconds() - now) < 600, "ctime is now");
    assertTrue(got.changeNanoseconds() >= 0 && got.changeNanoseconds() < 1_000_000_000);
  }

  @Test
  void whatStatDoesNotHave() throws Exception {
    directory.create("file");
    int wanted = Statx.STATX_BASIC_STATS | Statx.STATX_BTIME | Statx.STATX_MNT_ID;
    int handle = directory.handle("file");
    ok(stat.read(handle, Statx.AT_STATX_DONT_SYNC, wanted));
    assertTrue(stat.blockSize() >= 512);
    if ((stat.mask() & Statx.STATX_BTIME) != 0) {
      assertEquals(stat.changeSeconds(), stat.birthSeconds());
      assertEquals(stat.changeNanoseconds(), stat.birthNanoseconds());
    }
    assumeTrue((stat.mask() & Statx.STATX_MNT_ID) != 0, "Linux before 5.8");
    String info = Files.readString(Path.of("/proc/self/fdinfo/" + handle));
    assertTrue(info.contains("mnt_id:\t" + stat.mountId() + "\n"), info);
    assertNotEquals(0, stat.attributesMask() & Statx.STATX_ATTR_MOUNT_ROOT);
    assertEquals(0, stat.attributes() & Statx.STATX_ATTR_MOUNT_ROOT);
    try (TestDirectory proc = new TestDirectory(Path.of("/proc"))) {
      ok(stat.read(proc.fd(), 0, wanted));
      assertNotEquals(0, stat.attributes() & Statx.STATX_ATTR_MOUNT_ROOT);
    }
  }

  @Test
  void devicesHaveTheirNumbers() {
    try (TestDirectory dev = new TestDirectory(Path.of("/dev"))) {
      Statx got = dev.stat("null");
      assertTrue(FileMode.isDevice(got.mode()));
      assertEquals(1, got.rdevMajor());
      assertEquals(3, got.rdevMinor());
    }
    for (int[] pair : new int[][] {{0, 0}, {1, 3}, {0xfff, 0xfffff}, {8, 0x100}, {259, 0x12345}}) {
      int device = FileMode.device(pair[0], pair[1]);
      assertEquals(pair[0], FileMode.major(device));
      assertEquals(pair[1], FileMode.minor(device));
    }
    assertEquals(0x12300045 | 0x678 << 8, FileMode.device(0x678, 0x12345));
  }

  @Test
  void aDeviceIsMadeWithItsNumber() {
    assumeRoot();
    int device = FileMode.device(259, 0x12345);
    int made = DirectoryIo.mknodat(directory.fd(), name("node"), FileMode.S_IFCHR | 0600, device);
    assumeTrue(made != -Errno.EPERM, "no devices may be made here");
    ok(made);
    assertEquals(259, directory.stat("node").rdevMajor());
    assertEquals(0x12345, directory.stat("node").rdevMinor());
  }

  @Test
  void errorsLeaveTheFields() {
    directory.create("file");
    ok(stat.readEntry(directory.fd(), name("file"), 0, Statx.STATX_BASIC_STATS));
    long inode = stat.inode();
    assertErrno(Errno.ENOENT, stat.readEntry(directory.fd(), name("gone"), 0, 0));
    assertErrno(Errno.EBADF, stat.read(-1, 0, 0));
    int bothSyncs = Statx.AT_STATX_DONT_SYNC | Statx.AT_STATX_FORCE_SYNC;
    assertErrno(Errno.EINVAL, stat.read(directory.fd(), bothSyncs, 0));
    assertEquals(inode, stat.inode());
  }

  @Test
  void fileSystemsByTheirHandles() throws Exception {
    StatFs fs = new StatFs();
    ok(fs.read(directory.fd()));
    assertEquals(Files.getFileStore(path).getTotalSpace(), fs.blocks() * fs.fragmentSize());
    assertEquals(Files.getFileStore(path).getBlockSize(), fs.fragmentSize());
    assertTrue(fs.freeBlocks() >= fs.availableBlocks() && fs.freeBlocks() <= fs.blocks());
    assertTrue(fs.freeFiles() <= fs.files());
    assertTrue(fs.nameLength() >= 143 && fs.blockSize() >= 512);
    assertNotEquals(StatFs.PROC_SUPER_MAGIC, fs.type());
    try (TestDirectory proc = new TestDirectory(Path.of("/proc"))) {
      ok(fs.read(proc.fd()));
      assertEquals(StatFs.PROC_SUPER_MAGIC, fs.type());
      assertEquals(0, fs.blocks());
      int readOnly = 1;
      assertEquals(0, fs.flags() & readOnly);
    }
    assertErrno(Errno.EBADF, fs.read(-1));
  }

  @Test
  void typesOfEntriesAreThoseOfModes() {
    assertEquals(FileMode.DT_REG, FileMode.directoryType(FileMode.S_IFREG | 07777));
    assertEquals(FileMode.DT_DIR, FileMode.directoryType(FileMode.S_IFDIR));
    assertEquals(FileMode.DT_LNK, FileMode.directoryType(FileMode.S_IFLNK));
    assertEquals(FileMode.DT_FIFO, FileMode.directoryType(FileMode.S_IFIFO));
    assertEquals(FileMode.DT_SOCK, FileMode.directoryType(FileMode.S_IFSOCK));
    assertEquals(FileMode.DT_CHR, FileMode.directoryType(FileMode.S_IFCHR));
    assertEquals(FileMode.DT_BLK, FileMode.directoryType(FileMode.S_IFBLK));
    assertTrue(FileMode.isOpenable(FileMode.S_IFREG) && FileMode.isOpenable(FileMode.S_IFDIR));
    for (int type : new int[] {0, FileMode.S_IFLNK, FileMode.S_IFIFO, FileMode.S_IFSOCK}) {
      assertFalse(FileMode.isOpenable(type | 0777));
    }
    assertFalse(FileMode.isOpenable(FileMode.S_IFBLK) || FileMode.isOpenable(FileMode.S_IFCHR));
  }

  @Test
  void directIoWorksWithTheAlignmentThatIsSaid() throws Exception {
    Path file = Files.write(path.resolve("direct"), new byte[1 << 17]);
    Fd direct;
    try {
      direct = Fd.open(file.toString(), Fd.READ_WRITE | Fd.DIRECT);
    } catch (LinuxException e) {
      assumeTrue(e.errno() != Errno.EINVAL, "no direct I/O on " + path);
      throw e;
    }
    try (direct) {
      ok(stat.read(direct.value(), 0, Statx.STATX_DIOALIGN));
      assumeTrue((stat.mask() & Statx.STATX_DIOALIGN) != 0, "not said of " + path);
      int memory = stat.directMemoryAlignment();
      int offset = stat.directOffsetAlignment();
      assertEquals(1, Integer.bitCount(memory), memory + " bytes");
      assertEquals(1, Integer.bitCount(offset), offset + " bytes");
      NativeMemory buffer = NativeMemory.aligned(memory + offset, 2 * memory);
      long address = buffer.address() + memory;
      buffer.buffer().put(memory, (byte) 7);
      assertEquals(offset, FileIo.pwrite(direct, address, offset, offset));
      buffer.buffer().put(memory, (byte) 0);
      assertEquals(offset, FileIo.pread(direct, address, offset, offset));
      assertEquals(7, buffer.buffer().get(memory));
    }
  }
}
