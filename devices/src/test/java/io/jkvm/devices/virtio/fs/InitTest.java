// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.SharePolicy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a mount is begun and ended with. */
class InitTest {
  private static final int ASYNC_READ = 1;
  private static final int BIG_WRITES = 1 << 5;
  private static final int AUTO_INVAL_DATA = 1 << 12;
  private static final int DO_READDIRPLUS = 1 << 13;
  private static final int READDIRPLUS_AUTO = 1 << 14;
  private static final int ASYNC_DIO = 1 << 15;
  private static final int PARALLEL_DIROPS = 1 << 18;
  private static final int MAX_PAGES = 1 << 22;
  private static final int CACHE_SYMLINKS = 1 << 23;
  private static final int HANDLE_KILLPRIV_V2 = 1 << 28;

  /** All that is done. */
  private static final int DONE =
      ASYNC_READ
          | BIG_WRITES
          | AUTO_INVAL_DATA
          | DO_READDIRPLUS
          | READDIRPLUS_AUTO
          | ASYNC_DIO
          | PARALLEL_DIROPS
          | MAX_PAGES;

  private static final int HANDLE_KILLPRIV = 1 << 19;
  private static final int NEVER =
      1 << 1 // POSIX_LOCKS
          | 1 << 3 // ATOMIC_O_TRUNC
          | 1 << 4 // EXPORT_SUPPORT
          | 1 << 6 // DONT_MASK
          | 1 << 10 // FLOCK_LOCKS
          | 1 << 16 // WRITEBACK_CACHE
          | 1 << 17 // NO_OPEN_SUPPORT
          | HANDLE_KILLPRIV
          | 1 << 20 // POSIX_ACL
          | 1 << 24 // NO_OPENDIR_SUPPORT
          | 1 << 26 // MAP_ALIGNMENT
          | 1 << 27 // SUBMOUNTS
          | 1 << 29 // SETXATTR_EXT
          | 1 << 30; // INIT_EXT

  /**
   * What {@code fuse_send_init} of Linux puts into INIT, with virtio-fs, without DAX. Put together
   * by hand, not recorded: from the sources of 5.4, 5.10 and 6.1, from the protocol's header for
   * 6.12, and from the changes since then for 7.1.
   */
  enum Guest {
    LINUX_5_4(31, 16, 0x03ff_fffb, 0),
    LINUX_5_10(32, 16, 0x0bff_fffb, 0),
    LINUX_6_1(38, 64, 0x7bff_fffb, 0x009),
    LINUX_6_12(41, 64, 0x7bff_fffb, 0x1fd),
    LINUX_7_1(45, 64, 0x7bff_fffb, 0x7fd);

    private final int minor;
    private final int bytes;
    private final int flags;
    private final int flags2;

    Guest(int minor, int bytes, int flags, int flags2) {
      this.minor = minor;
      this.bytes = bytes;
      this.flags = flags;
      this.flags2 = flags2;
    }

    Body body() {
      Body body = new Body().u32(7).u32(minor).u32(0x2_0000).u32(flags);
      for (int at = 16; at < bytes; at += 4) {
        body.u32(at == 16 ? flags2 : 0);
      }
      return body;
    }
  }

  private FuseDriver guest;
  private StubTree tree;

  @BeforeEach
  void make() throws Exception {
    use(SharePolicy.writable());
  }

  private void use(SharePolicy policy) throws Exception {
    close();
    tree = new StubTree();
    guest = new FuseDriver(new VirtioFs("test", tree, policy));
  }

  @AfterEach
  void close() {
    if (guest != null) {
      guest.close();
    }
  }

  @ParameterizedTest
  @EnumSource
  void answersOnlyWhatIsOfferedAndDone(Guest kernel) throws Exception {
    Answer answer = guest.request(FuseDriver.INIT, 0, kernel.body(), 64).ok();
    assertEquals(64, answer.payload().length);
    assertEquals(7, answer.u32(0));
    assertEquals(38, answer.u32(4));
    assertEquals(0x2_0000, answer.u32(8), "max_readahead");
    assertEquals(DONE, answer.u32(12), "flags");
    assertEquals(0, answer.u32(12) & NEVER);
    assertEquals(128, answer.u16(16), "max_background");
    assertEquals(96, answer.u16(18), "congestion_threshold");
    assertEquals(1 << 20, answer.u32(20), "max_write");
    assertEquals(1, answer.u32(24), "time_gran");
    assertEquals(256, answer.u16(28), "max_pages");
    assertEquals(0, answer.u16(30), "map_alignment");
    for (int at = 32; at < 64; at += 4) {
      assertEquals(0, answer.u32(at), "flags2 and behind");
    }
    guest.getattr(FileTree.ROOT).ok();
  }

  @Test
  void answersNoBitThatWasNotOffered() throws Exception {
    assertEquals(0, guest.init(31, 0).ok().u32(12));
    for (int bit = 0; bit < 32; bit++) {
      int offered = 1 << bit;
      assertEquals(0, guest.init(31, offered).ok().u32(12) & ~offered, "bit " + bit);
    }
  }

  @Test
  void needsPlainReaddirplusForTheAdaptiveOne() throws Exception {
    assertEquals(0, guest.init(31, READDIRPLUS_AUTO).ok().u32(12));
    assertEquals(DO_READDIRPLUS, guest.init(31, DO_READDIRPLUS).ok().u32(12));
  }

  @Test
  void symbolicLinksAreCachedWhereNobodyChangesThem() throws Exception {
    use(SharePolicy.readOnlyCached());
    assertEquals(DONE | CACHE_SYMLINKS, guest.init(31, -1).ok().u32(12));
    use(SharePolicy.readOnlyFresh());
    assertEquals(DONE, guest.init(31, -1).ok().u32(12));
  }

  @Test
  void setIdBitsAreLeftToTreesThatClearThem() throws Exception {
    tree.clears = true;
    assertEquals(DONE | HANDLE_KILLPRIV_V2, guest.init(33, -1).ok().u32(12));
    assertEquals(DONE, guest.init(33, ~HANDLE_KILLPRIV_V2).ok().u32(12));
  }

  /** Of a protocol whose reply was shorter, or with room for no more. */
  @Test
  void aShorterReplyIsNoError() throws Exception {
    assertEquals(24, guest.init(22, -1).ok().payload().length);
    Body body = new Body().u32(7).u32(31).u32(0).u32(-1);
    assertEquals(24, guest.request(FuseDriver.INIT, 0, body, 24).ok().payload().length);
    assertEquals(24, guest.request(FuseDriver.INIT, 0, body, 63).ok().payload().length);
    guest.request(FuseDriver.INIT, 0, body, 23).fails(Errno.EINVAL);
  }

  @Test
  void aNewerMajorIsToldOurs() throws Exception {
    for (long major : new long[] {8, 0xffff_ffffL}) {
      Answer answer = guest.request(FuseDriver.INIT, 0, new Body().u32(major).u32(0), 64).ok();
      assertEquals(7, answer.u32(0));
      guest.getattr(FileTree.ROOT).fails(Errno.EIO); // not mounted yet
    }
  }

  @Test
  void versionsThatAreTooOldAreRefused() throws Exception {
    guest.request(FuseDriver.INIT, 0, new Body().u32(6).u32(40).u64(0), 64).fails(Errno.EPROTO);
    guest.request(FuseDriver.INIT, 0, new Body().u32(7).u32(11).u64(0), 64).fails(Errno.EPROTO);
    guest.request(FuseDriver.INIT, 0, new Body().u32(7).u32(31), 64).fails(Errno.EPROTO);
    guest.request(FuseDriver.INIT, 0, new Body().u32(7), 64).fails(Errno.EINVAL);
  }

  @Test
  void nothingIsAnsweredOutsideAMount() throws Exception {
    guest.getattr(FileTree.ROOT).fails(Errno.EIO);
    guest.mounted();
    guest.getattr(FileTree.ROOT).ok();
    int ends = tree.ends.get();
    guest.request(FuseDriver.DESTROY, 0, new Body(), 0).ok();
    assertEquals(ends + 1, tree.ends.get());
    guest.getattr(FileTree.ROOT).fails(Errno.EIO);
    guest.mounted();
    guest.getattr(FileTree.ROOT).ok();
  }
}
