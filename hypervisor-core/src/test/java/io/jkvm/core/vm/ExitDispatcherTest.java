// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.state.KvmRun;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Exits written by hand into a page laid out like kvm_run. */
class ExitDispatcherTest {
  private final ByteBuffer page = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
  private final KvmRun run = new KvmRun(page);
  private final List<String> log = new ArrayList<>();
  private final Echo device = new Echo();
  private final ExitDispatcher dispatcher =
      new ExitDispatcher(
          IoBus.builder().map(0x100, 16, "port", device).build(),
          IoBus.builder().map(0xd0000000L, 0x1000, "mmio", device).build());

  private final class Echo implements BusDevice {
    private int next = 1;

    @Override
    public long read(long offset, int size) {
      log.add("r" + offset + "/" + size);
      return next++;
    }

    @Override
    public void write(long offset, int size, long value) {
      log.add("w" + offset + "/" + size + "=" + Long.toHexString(value));
    }
  }

  private void io(boolean out, int size, int port, int count) {
    page.putInt(8, KvmRun.IO).put(32, (byte) (out ? 1 : 0)).put(33, (byte) size);
    page.putShort(34, (short) port).putInt(36, count).putLong(40, 4096);
  }

  private void mmio(boolean write, long address, int length, long data) {
    page.putInt(8, KvmRun.MMIO).putLong(32, address).putLong(40, data);
    page.putInt(48, length).put(52, (byte) (write ? 1 : 0));
  }

  @Test
  void repeatedOutKeepsThePortAndAdvancesTheData() {
    io(true, 2, 0x104, 3);
    page.putShort(4096, (short) 0x1111).putShort(4098, (short) 0x2222);
    page.putShort(4100, (short) 0xffff);
    assertEquals(ExitDispatcher.Action.RESUME, dispatcher.dispatch(run));
    assertEquals(List.of("w4/2=1111", "w4/2=2222", "w4/2=ffff"), log);
  }

  @Test
  void repeatedInFillsAllElements() {
    io(false, 4, 0x100, 3);
    dispatcher.dispatch(run);
    assertEquals(List.of("r0/4", "r0/4", "r0/4"), log);
    assertEquals(1, page.getInt(4096));
    assertEquals(2, page.getInt(4100));
    assertEquals(3, page.getInt(4104));
  }

  @Test
  void ignoresWhatIsBehindTheSizeOfAnAccess() {
    mmio(true, 0xd0000010L, 4, 0xffffffff_12345678L);
    dispatcher.dispatch(run);
    mmio(false, 0xd0000010L, 8, -1);
    dispatcher.dispatch(run);
    assertEquals(List.of("w16/4=12345678", "r16/8"), log);
    assertEquals(1, page.getLong(40));
  }

  @Test
  void splitsOddLengthsIntoBytes() {
    mmio(true, 0xd0000ffdL, 3, 0xccbbaa);
    dispatcher.dispatch(run);
    assertEquals(List.of("w4093/1=aa", "w4094/1=bb", "w4095/1=cc"), log);
    mmio(false, 0xd0000ffdL, 3, -1);
    dispatcher.dispatch(run);
    assertEquals(0x030201, page.getLong(40));
  }

  @Test
  void unmappedReadsAreAllOnes() {
    io(false, 2, 0x999, 1);
    dispatcher.dispatch(run);
    assertEquals((short) 0xffff, page.getShort(4096));
    mmio(false, -8L, 8, 0);
    dispatcher.dispatch(run);
    assertEquals(-1L, page.getLong(40));
    assertEquals(List.of(), log);
  }

  @Test
  void everyReasonEndsInAnActionAndAName() {
    for (int reason = -1; reason < 200; reason++) {
      for (int i = 32; i < 64; i++) {
        page.put(i, (byte) 0);
      }
      page.putInt(8, reason);
      ExitDispatcher.Action action = dispatcher.dispatch(run);
      assertTrue(KvmRun.name(reason).startsWith("KVM_EXIT_"), KvmRun.name(reason));
      ExitDispatcher.Action expected =
          switch (reason) {
            case 2, 6, 7, 10, 11, 26, 29, 30, 33 -> ExitDispatcher.Action.RESUME;
            case 5 -> ExitDispatcher.Action.HALTED;
            case 8 -> ExitDispatcher.Action.SHUTDOWN;
            default -> ExitDispatcher.Action.UNHANDLED;
          };
      assertEquals(expected, action, KvmRun.name(reason));
    }
  }

  @Test
  void tellsInternalErrorsAndSystemEventsApart() {
    page.putInt(8, KvmRun.INTERNAL_ERROR).putInt(32, 1);
    assertEquals(ExitDispatcher.Action.EMULATION_FAILED, dispatcher.dispatch(run));
    page.putInt(32, 3);
    assertEquals(ExitDispatcher.Action.UNHANDLED, dispatcher.dispatch(run));
    page.putInt(8, KvmRun.SYSTEM_EVENT).putInt(32, 1);
    assertEquals(ExitDispatcher.Action.POWER_OFF, dispatcher.dispatch(run));
    page.putInt(32, 2);
    assertEquals(ExitDispatcher.Action.RESET, dispatcher.dispatch(run));
    page.putInt(32, 77);
    assertEquals(ExitDispatcher.Action.UNHANDLED, dispatcher.dispatch(run));
  }
}
