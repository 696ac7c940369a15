// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TerminalTest {
  private static final long TIOCGPTN = Ioctl.ior('T', 0x30, 4);
  private static final long TIOCSPTLCK = Ioctl.iow('T', 0x31, 4);
  private static final int NO_CONTROLLING_TERMINAL = 0x100; // O_NOCTTY
  private static final int BUFFER_BYTES = 16;

  /** Opens a pseudo terminal's other end. */
  private static Fd slaveOf(Fd master) throws LinuxException {
    NativeMemory number = new NativeMemory(4);
    assertEquals(0, Ioctl.call(master.value(), TIOCSPTLCK, number.address()));
    assertEquals(0, Ioctl.call(master.value(), TIOCGPTN, number.address()));
    return Fd.open(
        "/dev/pts/" + number.buffer().getInt(0), Fd.READ_WRITE | NO_CONTROLLING_TERMINAL);
  }

  private static String typed(Fd master, Fd slave, String keys) throws LinuxException {
    NativeMemory bytes = new NativeMemory(BUFFER_BYTES);
    bytes.buffer().put(0, keys.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    assertEquals(keys.length(), FileIo.write(master.value(), bytes.address(), keys.length()));
    PollSet input = new PollSet(1);
    input.watch(0, slave.value(), PollSet.READABLE);
    if (input.poll(200) == 0) {
      return "";
    }
    int count = (int) FileIo.read(slave.value(), bytes.address(), BUFFER_BYTES);
    byte[] read = new byte[count];
    bytes.buffer().get(0, read);
    return new String(read, java.nio.charset.StandardCharsets.US_ASCII);
  }

  @Test
  void rawModeDeliversEachKeyAndRestoringDropsWhatWasNotRead() throws Exception {
    try (Fd master = Fd.open("/dev/ptmx", Fd.READ_WRITE | NO_CONTROLLING_TERMINAL);
        Fd slave = slaveOf(master)) {
      Terminal terminal = Terminal.of(slave.value()).orElseThrow();
      assertTrue(terminal.inForeground(), "not the terminal of this session: no job control");
      assertEquals("", typed(master, slave, "a"), "a line is not complete");
      assertEquals("ab\n", typed(master, slave, "b\r"));
      assertTrue(terminal.enterRawMode(false));
      assertTrue(terminal.enterRawMode(false));
      assertEquals("\u0003\r", typed(master, slave, "\u0003\r"));
      NativeMemory answer = new NativeMemory(4);
      FileIo.write(master.value(), answer.address(), 4);
      PollSet input = new PollSet(1);
      input.watch(0, slave.value(), PollSet.READABLE);
      assertEquals(1, input.poll(10_000), "it is there, unread");
      assertTrue(terminal.restore());
      assertTrue(terminal.restore());
      assertEquals("c\n", typed(master, slave, "c\r"));
      assertTrue(terminal.enterRawMode(false), "again, as after a stop and a continue");
      assertEquals("d", typed(master, slave, "d"));
      assertTrue(terminal.restore());
    }
  }

  @Test
  void rawModeThatAShellEndedIsEnteredAgain() throws Exception {
    try (Fd master = Fd.open("/dev/ptmx", Fd.READ_WRITE | NO_CONTROLLING_TERMINAL);
        Fd slave = slaveOf(master)) {
      NativeMemory cooked = new NativeMemory(64);
      assertEquals(0, Libc.tcgetattr(slave.value(), cooked.address()));
      Terminal terminal = Terminal.of(slave.value()).orElseThrow();
      assertTrue(terminal.enterRawMode(false));
      assertEquals(0, Libc.tcsetattr(slave.value(), 0, cooked.address()), "as the shell does");
      assertTrue(terminal.enterRawMode(false));
      assertEquals("a", typed(master, slave, "a"));
      assertTrue(terminal.restore());
      assertEquals("b\n", typed(master, slave, "b\r"), "the first mode was kept");
    }
  }
}
