// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * An ELF kernel of some fifty bytes of code, so that a test has a guest in no time. It prints "K",
 * then echoes what is typed; "R" resets the machine, "P" writes 21 to port 0x510, reads that port
 * and prints what it got; "C" reads that port for ever; "H" halts with interrupts off; "L" is
 * echoed when the guest listens to the power button, which it does nothing about.
 */
public final class TinyKernel {
  public static final int PORT = 0x510;

  /** The upper half of the registers of ACPI's PM1 events (firmware's layout). */
  private static final int PM1_ENABLE = 0x602;

  private static final int ADDRESS = 0x100_0000;
  private static final int CODE_OFFSET = 0x1000;

  private final ByteArrayOutputStream code = new ByteArrayOutputStream();

  private TinyKernel() {}

  /** Writes the kernel into a folder. */
  public static Path write(Path folder) throws IOException {
    return Files.write(folder.resolve("tiny.elf"), elf(new TinyKernel().code()));
  }

  private byte[] code() {
    movDx(0x3fc).bytes(0xb0, 0x0b, 0xee); // MCR: DTR, RTS, OUT2
    movDx(0x3f8).bytes(0xb0, 'K', 0xee);
    int loop = code.size();
    movDx(0x3fd).bytes(0xec, 0xa8, 1).jump(0x74, loop); // LSR: until a byte is there
    movDx(0x3f8).bytes(0xec);
    bytes(0x3c, 'R', 0x74, 19); // cmp al, 'R'; je reset
    bytes(0x3c, 'P', 0x74, 21); // cmp al, 'P'; je port
    bytes(0x3c, 'C', 0x74, 32); // cmp al, 'C'; je count
    bytes(0x3c, 'H', 0x74, 35); // cmp al, 'H'; je halt
    bytes(0x3c, 'L', 0x74, 35); // cmp al, 'L'; je listen
    int echo = code.size();
    bytes(0xee).jump(0xeb, loop); // out dx, al; jmp loop
    bytes(0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe); // reset: through the i8042, then jmp $
    movDx(PORT).bytes(0xb0, 21, 0xee, 0xec); // port
    movDx(0x3f8).bytes(0xee).jump(0xeb, loop);
    movDx(PORT).bytes(0xec, 0xeb, 0xfd); // count: in al, dx, for ever
    bytes(0xfa, 0xf4, 0xeb, 0xfd); // halt: cli; hlt; jmp to the hlt
    movDx(PM1_ENABLE).bytes(0x66, 0xb8, 0, 1, 0x66, 0xef); // listen: mov ax, PWRBTN_EN; out dx, ax
    movDx(0x3f8).bytes(0xb0, 'L').jump(0xeb, echo);
    return code.toByteArray();
  }

  private TinyKernel movDx(int port) {
    return bytes(0x66, 0xba, port & 0xff, port >>> 8);
  }

  private TinyKernel jump(int opcode, int target) {
    return bytes(opcode, target - (code.size() + 2));
  }

  private TinyKernel bytes(int... values) {
    for (int value : values) {
      code.write(value);
    }
    return this;
  }

  /** One segment, entered at its start. */
  private static byte[] elf(byte[] text) {
    byte[] file = new byte[CODE_OFFSET + text.length];
    ByteBuffer b = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 0x464C457F).put(4, (byte) 2).put(5, (byte) 1).put(6, (byte) 1);
    b.putShort(16, (short) 2).putShort(18, (short) 62).putInt(20, 1);
    b.putLong(24, ADDRESS).putLong(32, 64); // e_entry, e_phoff
    b.putShort(52, (short) 64).putShort(54, (short) 56).putShort(56, (short) 1);
    b.putInt(64, 1).putInt(68, 7).putLong(72, CODE_OFFSET); // PT_LOAD, rwx
    b.putLong(80, 0xFFFFFFFF80000000L + ADDRESS).putLong(88, ADDRESS);
    b.putLong(96, text.length).putLong(104, text.length).putLong(112, 0x1000);
    b.put(CODE_OFFSET, text);
    return file;
  }
}
