// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import io.jkvm.core.linux.NativeMemory;
import java.nio.ByteBuffer;

/** {@code struct kvm_sregs}: segments, descriptor tables and control registers. */
public final class KvmSregs {
  public static final int SIZE = 312;

  /** CR0.PE: protection enable. */
  public static final long CR0_PE = 1;

  /** CR0.MP: WAIT obeys CR0.TS. */
  public static final long CR0_MP = 1 << 1;

  /** CR0.TS: a task switch happened; x87 and vector instructions give #NM. */
  public static final long CR0_TS = 1 << 3;

  /** CR0.ET: extension type, always set. */
  public static final long CR0_ET = 1 << 4;

  /** CR0.NE: x87 errors are exceptions. */
  public static final long CR0_NE = 1 << 5;

  /** CR0.WP: read-only pages are read-only at CPL 0 too. */
  public static final long CR0_WP = 1 << 16;

  /** CR0.AM: EFLAGS.AC has an effect. */
  public static final long CR0_AM = 1 << 18;

  /** CR0.PG: paging. */
  public static final long CR0_PG = 1L << 31;

  /** CR4.PAE: physical address extension. */
  public static final long CR4_PAE = 1 << 5;

  /** CR4.LA57: linear addresses of 57 bits. */
  public static final long CR4_LA57 = 1 << 12;

  /** CR4.OSXSAVE: XSAVE and XGETBV are enabled. */
  public static final long CR4_OSXSAVE = 1 << 18;

  /** CR4.SMAP: at CPL 0 user pages are reached with EFLAGS.AC only. */
  public static final long CR4_SMAP = 1 << 21;

  /** EFER.LME: long mode enable. */
  public static final long EFER_LME = 1 << 8;

  /** EFER.LMA: long mode active. */
  public static final long EFER_LMA = 1 << 10;

  /** Segment type: code, readable, accessed. */
  public static final int TYPE_CODE_READABLE = 0xb;

  /** Segment type: data, writable, accessed. */
  public static final int TYPE_DATA_WRITABLE = 0x3;

  /** System segment type: busy TSS of 32 or 64 bits. */
  public static final int TYPE_TSS_BUSY = 0xb;

  private static final int SEGMENT_BYTES = 24;
  private static final int GDT = 8 * SEGMENT_BYTES;
  private static final int IDT = GDT + 16;
  private static final int CR0 = IDT + 16;
  private static final int CR2 = CR0 + 8;
  private static final int CR3 = CR0 + 16;
  private static final int CR4 = CR0 + 24;
  private static final int EFER = CR0 + 40;

  private final NativeMemory memory = new NativeMemory(SIZE);

  /** The segment registers in the structure's order. */
  public enum Segment {
    CS,
    DS,
    ES,
    FS,
    GS,
    SS,
    TR,
    LDT
  }

  public NativeMemory memory() {
    return memory;
  }

  /**
   * Sets a segment register with its hidden part.
   *
   * @param limit in bytes, the last valid offset
   * @param type the descriptor's 4-bit type, such as {@link #TYPE_CODE_READABLE} (Intel SDM vol. 3,
   *     sections 3.4.5.1 and 3.5)
   * @param longMode the L bit: 64-bit code
   */
  public KvmSregs segment(
      Segment segment, int selector, long base, int limit, int type, int dpl, boolean longMode) {
    boolean big = !longMode && limit != 0xffff;
    boolean system = segment == Segment.TR || segment == Segment.LDT;
    ByteBuffer buffer = memory.buffer();
    int at = segment.ordinal() * SEGMENT_BYTES;
    buffer.putLong(at, base).putInt(at + 8, limit).putShort(at + 12, (short) selector);
    buffer.put(at + 14, (byte) type).put(at + 15, (byte) 1).put(at + 16, (byte) dpl);
    buffer.put(at + 17, (byte) (big && !system ? 1 : 0)).put(at + 18, (byte) (system ? 0 : 1));
    buffer.put(at + 19, (byte) (longMode ? 1 : 0));
    buffer.put(at + 20, (byte) (Integer.compareUnsigned(limit, 0xfffff) > 0 ? 1 : 0));
    return this;
  }

  public int selector(Segment segment) {
    return memory.buffer().getShort(segment.ordinal() * SEGMENT_BYTES + 12) & 0xffff;
  }

  public long base(Segment segment) {
    return memory.buffer().getLong(segment.ordinal() * SEGMENT_BYTES);
  }

  /** The descriptor privilege level of SS, which is the CPL (Intel SDM vol. 3, section 5.5). */
  public int cpl() {
    return memory.buffer().get(Segment.SS.ordinal() * SEGMENT_BYTES + 16) & 3;
  }

  /** True in 64-bit mode: long mode is active and CS.L is set. */
  public boolean is64Bit() {
    return (efer() & EFER_LMA) != 0 && memory.buffer().get(19) != 0;
  }

  /** True if CS.D says that operands are 32 bits wide. */
  public boolean is32Bit() {
    return !is64Bit() && memory.buffer().get(17) != 0;
  }

  public KvmSregs gdt(long base, int limit) {
    memory.buffer().putLong(GDT, base).putShort(GDT + 8, (short) limit);
    return this;
  }

  public KvmSregs idt(long base, int limit) {
    memory.buffer().putLong(IDT, base).putShort(IDT + 8, (short) limit);
    return this;
  }

  public long cr0() {
    return memory.buffer().getLong(CR0);
  }

  public KvmSregs cr0(long value) {
    memory.buffer().putLong(CR0, value);
    return this;
  }

  public long cr2() {
    return memory.buffer().getLong(CR2);
  }

  public KvmSregs cr2(long value) {
    memory.buffer().putLong(CR2, value);
    return this;
  }

  public long cr3() {
    return memory.buffer().getLong(CR3);
  }

  public KvmSregs cr3(long value) {
    memory.buffer().putLong(CR3, value);
    return this;
  }

  public long cr4() {
    return memory.buffer().getLong(CR4);
  }

  public KvmSregs cr4(long value) {
    memory.buffer().putLong(CR4, value);
    return this;
  }

  public long efer() {
    return memory.buffer().getLong(EFER);
  }

  public KvmSregs efer(long value) {
    memory.buffer().putLong(EFER, value);
    return this;
  }

  /** The mode in words, for reports. */
  public String mode() {
    if ((cr0() & CR0_PE) == 0) {
      return "real mode";
    }
    String width = is64Bit() ? "64-bit" : is32Bit() ? "32-bit" : "16-bit";
    return width + " mode, CPL " + cpl() + ((cr0() & CR0_PG) == 0 ? ", no paging" : "");
  }

  @Override
  public String toString() {
    return String.format(
        "cs=%04x:%x ss=%04x cr0=%x cr2=%x cr3=%x cr4=%x efer=%x",
        selector(Segment.CS),
        base(Segment.CS),
        selector(Segment.SS),
        cr0(),
        cr2(),
        cr3(),
        cr4(),
        efer());
  }
}
