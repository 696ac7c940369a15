// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm.state;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * {@code struct kvm_run}: the page in which KVM describes why it left the guest. Any little-endian
 * buffer of a page will do, so exit handling is tested without KVM.
 */
public final class KvmRun {
  public static final int UNKNOWN = 0;
  public static final int IO = 2;
  public static final int HLT = 5;
  public static final int MMIO = 6;
  public static final int IRQ_WINDOW_OPEN = 7;
  public static final int SHUTDOWN = 8;
  public static final int FAIL_ENTRY = 9;
  public static final int INTR = 10;
  public static final int SET_TPR = 11;
  public static final int INTERNAL_ERROR = 17;
  public static final int SYSTEM_EVENT = 24;
  public static final int IOAPIC_EOI = 26;
  public static final int X86_RDMSR = 29;
  public static final int X86_WRMSR = 30;
  public static final int X86_BUS_LOCK = 33;

  /** Suberror of {@link #INTERNAL_ERROR}: KVM has no emulation of the instruction. */
  public static final int INTERNAL_ERROR_EMULATION = 1;

  // All reasons of include/uapi/linux/kvm.h; those of other architectures can't occur on x86.
  private static final String[] NAMES =
      ("UNKNOWN EXCEPTION IO HYPERCALL DEBUG HLT MMIO IRQ_WINDOW_OPEN SHUTDOWN FAIL_ENTRY INTR"
              + " SET_TPR TPR_ACCESS S390_SIEIC S390_RESET DCR NMI INTERNAL_ERROR OSI PAPR_HCALL"
              + " S390_UCONTROL WATCHDOG S390_TSCH EPR SYSTEM_EVENT S390_STSI IOAPIC_EOI HYPERV"
              + " ARM_NISV X86_RDMSR X86_WRMSR DIRTY_RING_FULL AP_RESET_HOLD X86_BUS_LOCK XEN"
              + " RISCV_SBI RISCV_CSR NOTIFY LOONGARCH_IOCSR MEMORY_FAULT TDX")
          .split(" ");

  private static final int IMMEDIATE_EXIT = 1;
  private static final int EXIT_REASON = 8;
  private static final int EXIT_DATA = 32;

  private final ByteBuffer page;

  /** A view of a kvm_run page. */
  public KvmRun(ByteBuffer page) {
    this.page = page.order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The name of an exit reason as in the kernel's header, with its number if it is not known. */
  public static String name(int exitReason) {
    return exitReason >= 0 && exitReason < NAMES.length
        ? "KVM_EXIT_" + NAMES[exitReason]
        : "KVM_EXIT_" + Integer.toUnsignedString(exitReason) + " (not known)";
  }

  public void setImmediateExit(boolean wanted) {
    page.put(IMMEDIATE_EXIT, (byte) (wanted ? 1 : 0));
    VarHandle.releaseFence();
  }

  public int exitReason() {
    return page.getInt(EXIT_REASON);
  }

  /** {@link #IO}: true if the guest writes. */
  public boolean ioIsOut() {
    return page.get(32) != 0;
  }

  /** {@link #IO}: bytes of one access: 1, 2 or 4. */
  public int ioSize() {
    return page.get(33) & 0xff;
  }

  public int ioPort() {
    return page.getShort(34) & 0xffff;
  }

  /** {@link #IO}: how many accesses, more than 1 for string instructions. */
  public int ioCount() {
    return page.getInt(36);
  }

  private int ioDataAt(int index) {
    return (int) page.getLong(40) + index * ioSize();
  }

  /** {@link #IO}: the data of one access of an out. */
  public long ioData(int index) {
    return get(ioDataAt(index), ioSize());
  }

  /** {@link #IO}: answers one access of an in. */
  public void setIoData(int index, long value) {
    put(ioDataAt(index), ioSize(), value);
  }

  public long mmioAddress() {
    return page.getLong(32);
  }

  /** {@link #MMIO}: bytes of the access, 1 to 8. */
  public int mmioLength() {
    return page.getInt(48);
  }

  public boolean mmioIsWrite() {
    return page.get(52) != 0;
  }

  /** {@link #MMIO}: what a write wrote, in its low {@link #mmioLength} bytes. */
  public long mmioData() {
    return page.getLong(40);
  }

  /** {@link #MMIO}: answers a read. */
  public void setMmioData(long value) {
    page.putLong(40, value);
  }

  /** {@link #INTERNAL_ERROR}: which kind. */
  public int internalSuberror() {
    return page.getInt(32);
  }

  /** {@link #FAIL_ENTRY}: the processor's own number for why it refused to enter the guest. */
  public long hardwareEntryFailureReason() {
    return page.getLong(32);
  }

  /** Answers {@link #X86_RDMSR} or {@link #X86_WRMSR} with a general protection fault. */
  public void failMsr() {
    page.put(32, (byte) 1);
  }

  /** {@link #SYSTEM_EVENT}: 1 shutdown, 2 reset, 3 crash. */
  public int systemEventType() {
    return page.getInt(32);
  }

  /** The first 64-bit words of the exit's data, for reports. */
  public String dataWords(int words) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append(i == 0 ? "" : " ").append(String.format("%x", page.getLong(EXIT_DATA + 8 * i)));
    }
    return text.toString();
  }

  private long get(int at, int size) {
    return switch (size) {
      case 1 -> page.get(at) & 0xffL;
      case 2 -> page.getShort(at) & 0xffffL;
      default -> page.getInt(at) & 0xffffffffL;
    };
  }

  private void put(int at, int size, long value) {
    switch (size) {
      case 1 -> page.put(at, (byte) value);
      case 2 -> page.putShort(at, (short) value);
      default -> page.putInt(at, (int) value);
    }
  }
}
