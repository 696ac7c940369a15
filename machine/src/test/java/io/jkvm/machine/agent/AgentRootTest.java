// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.machine.agent.AgentProcess.Ended;
import io.jkvm.machine.agent.AgentProcess.Frame;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * ROOT, in mounts of the agent's own: its first root is an overlay over this machine's, so that
 * there is a {@code /.jkvm}, and the device is a file system made of directories.
 */
@Timeout(300)
class AgentRootTest {
  private static final int ROOT = 15;
  private static final int MOUNT = 17;
  private static final int E2BIG = 7;
  private static final int DONE = 71;
  private static final int OVERLAY = 1;
  private static final int EISDIR = 21;
  private static final int EINVAL = 22;
  private static final int ENODEV = 19;

  /** Arguments: the folder, and the command to run. */
  private static final String OWN_ROOT =
      "f=$1; shift; mkdir $f/m && mount -t tmpfs m $f/m && mkdir $f/m/u $f/m/w $f/m/r"
          + " && cp -a $f/first/. $f/m/u"
          + " && mount -t overlay o -o lowerdir=/,upperdir=$f/m/u,workdir=$f/m/w $f/m/r"
          + " && mount --bind $f $f/m/r$f && exec chroot $f/m/r \"$@\"";

  @TempDir static Path built;
  private static Path program;

  @TempDir Path folder;

  @BeforeAll
  static void build() throws IOException, InterruptedException {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs namespaces");
    program = AgentProcess.build(built);
  }

  /** An image with a /lib that is a link, as most have. */
  @BeforeEach
  void image() throws IOException {
    file("image/usr/lib/libc.so", "the image's");
    file("image/usr/lib/old.conf", "the image's");
    Files.createSymbolicLink(folder.resolve("image/lib"), Path.of("usr/lib"));
    Files.createSymbolicLink(folder.resolve("image/lib64"), Path.of("lib"));
    Files.createDirectory(folder.resolve("image/empty"));
    Files.createDirectory(folder.resolve("second"));
    Files.createDirectories(folder.resolve("first/.jkvm/carried/given"));
  }

  /** JUnit would warn of each link that leads out of its directory. */
  @AfterEach
  void removeLinks() throws Exception {
    new ProcessBuilder("rm", "-rf", folder + "/first", folder + "/image").start().waitFor();
  }

  private Path file(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private Path carried(String name, String text) throws IOException {
    return file("first/.jkvm/carried/" + name, text);
  }

  private AgentProcess started() throws IOException {
    return AgentProcess.greeted(
        program, folder, "unshare", "--mount", "sh", "-c", OWN_ROOT, "sh", folder.toString());
  }

  private Frame root(AgentProcess agent) throws IOException {
    String options = "lowerdir=" + folder.resolve("image") + ":" + folder.resolve("second");
    return ask(agent, ROOT, OVERLAY, "image\0overlay\0" + options + "\0\0");
  }

  private static Frame ask(AgentProcess agent, int type, int flags, String text)
      throws IOException {
    byte[] strings = AgentProcess.text(text);
    agent.send(type, 0, 0, AgentProcess.numbers(4 + strings.length).putInt(flags).put(strings));
    Frame done = agent.next();
    assertEquals(DONE, done.type());
    assertEquals(type, done.u32(0));
    return done;
  }

  private static Frame mount(AgentProcess agent, String type, String options, String where)
      throws IOException {
    return ask(agent, MOUNT, 0, "thing\0" + type + "\0" + options + "\0" + where + "\0");
  }

  private static String text(Frame done) {
    return new String(done.bytes(), 8, done.bytes().length - 8, StandardCharsets.UTF_8);
  }

  private static String content(AgentProcess agent, String path) throws IOException {
    byte[] bytes = AgentProcess.text(path + "\0");
    agent.send(10, 0, 1, AgentProcess.numbers(4).putInt(bytes.length));
    agent.sendStrings(1, bytes);
    Ended ended = agent.end(1);
    return ended.how() == 0 ? ended.out() : "errno " + ended.value();
  }

  @Test
  void whatTheHostBringsIsInTheRoot() throws Exception {
    carried("given/data/.hidden/a", "given");
    carried("given/usr/lib/old.conf", "given");
    carried("needed/usr/lib/libc.so", "the host's");
    carried("needed/usr/lib64/ld.so", "the host's");
    Files.createSymbolicLink(
        folder.resolve("first/.jkvm/carried/needed/lib64"), Path.of("usr/lib64"));
    Files.createDirectories(folder.resolve("first/.jkvm/carried/paths/lib64"));
    Files.createSymbolicLink(
        folder.resolve("first/.jkvm/carried/paths/lib64/ld.so"), Path.of("/usr/lib64/ld.so"));
    try (AgentProcess agent = started()) {
      Frame done = root(agent);
      assertEquals(0, done.u32(4), () -> text(done));
      assertEquals("given", content(agent, "/data/.hidden/a"));
      assertEquals("given", content(agent, "/lib/old.conf"));
      assertEquals("the image's", content(agent, "/lib/libc.so"));
      assertEquals("the host's", content(agent, "/lib64/ld.so"), "through the image's link");
      assertEquals("the host's", content(agent, "/usr/lib/ld.so"), "where that leads");
    }
    assertEquals("the image's", Files.readString(folder.resolve("image/usr/lib/old.conf")));
    assertTrue(Files.notExists(folder.resolve("image/data"), LinkOption.NOFOLLOW_LINKS));
  }

  /** A path of the host's with a link on the way, where the root has the same link or another. */
  @Test
  void aPathThatWasAskedForLeadsToItsFile() throws Exception {
    Path links = Files.createDirectories(folder.resolve("first/.jkvm/carried/given-paths"));
    file("image/bin/sh", "the image's");
    carried("given/usr/bin/dash", "given");
    Files.createSymbolicLink(
        Files.createDirectories(links.resolve("bin")).resolve("sh"), Path.of("/usr/bin/dash"));
    carried("given/usr/lib/plugins/a", "given");
    Files.createSymbolicLink(
        Files.createDirectories(links.resolve("lib")).resolve("plugins"),
        Path.of("/usr/lib/plugins"));
    try (AgentProcess agent = started()) {
      Frame done = root(agent);
      assertEquals(0, done.u32(4), () -> text(done));
      assertEquals("given", content(agent, "/bin/sh"), "in place of the image's");
      assertEquals("given", content(agent, "/lib/plugins/a"), "the image's link is as good");
    }
  }

  @Test
  void aMountIsMadeInTheRootAndSoIsItsPlace() throws Exception {
    try (AgentProcess agent = started()) {
      root(agent);
      Frame done = mount(agent, "proc", "ro", "/mnt/deep/er");
      assertEquals(0, done.u32(4), () -> text(done));
      assertEquals("Linux\n", content(agent, "/mnt/deep/er/sys/kernel/ostype"));
    }
  }

  /** All of them count, or none: the kernel would drop those beyond a page. */
  @Test
  void optionsMayBeLong() throws Exception {
    try (AgentProcess agent = started()) {
      root(agent);
      mount(agent, "proc", "", "/proc");
      String options = "mode=0700,noatime,".repeat(200) + ",nodev,mode=0751";
      Frame done = mount(agent, "tmpfs", options, "/mnt/x");
      assertEquals(0, done.u32(4), () -> text(done));
      String mounts = content(agent, "/proc/self/mounts");
      String made =
          mounts.lines().filter(line -> line.contains(" /mnt/x ")).findFirst().orElse(mounts);
      assertTrue(made.contains("noatime") && made.contains("mode=751"), made);
      Frame refused = mount(agent, "tmpfs", "mode=0700,".repeat(500), "/mnt/y");
      assertEquals(E2BIG, refused.u32(4), () -> text(refused));
    }
  }

  @Test
  void aMountThatCanNotBeIsSaid() throws Exception {
    try (AgentProcess agent = started()) {
      for (String where : List.of("", "/", "mnt")) {
        Frame done = mount(agent, "tmpfs", "", where);
        assertEquals(EINVAL, done.u32(4), where);
        assertEquals("'" + where + "' is no place to mount thing at", text(done));
      }
      Frame unknown = mount(agent, "nosuchfs", "", "/mnt/x");
      assertEquals(ENODEV, unknown.u32(4));
      assertTrue(text(unknown).startsWith("cannot mount thing at /mnt/x: "), () -> text(unknown));
      for (String type : List.of("virtiofs", "9p")) {
        Frame share = mount(agent, type, "", "/mnt/x");
        boolean isLacking = share.u32(4) == ENODEV;
        String option = type.equals("9p") ? " (CONFIG_9P_FS, " : " (CONFIG_VIRTIO_FS)";
        assertEquals(isLacking, text(share).contains(option), () -> text(share));
      }
    }
  }

  @Test
  void whatCannotBePutThereIsSaid() throws Exception {
    carried("given/empty", "a file where the image has a folder");
    try (AgentProcess agent = started()) {
      Frame done = root(agent);
      assertEquals(EISDIR, done.u32(4));
      assertTrue(text(done).startsWith("cannot put /empty into the root: "), () -> text(done));
    }
  }

  @Test
  void modesAndOwnersComeAlong() throws Exception {
    Path tool = carried("given/opt/tool", "#!/bin/sh\n");
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwx------"));
    Files.setAttribute(tool, "unix:uid", 1234);
    try (AgentProcess agent = started()) {
      Frame done = root(agent);
      assertEquals(0, done.u32(4), () -> text(done));
      agent.exec(1, Command.of("/opt/tool").as("4321"));
      Ended other = agent.end(1);
      assertEquals(3, other.how(), other::text);
      agent.exec(1, Command.of("/opt/tool").as("1234"));
      Ended owner = agent.end(1);
      assertTrue(owner.text().contains("/bin/sh"), owner.text());
    }
  }
}
