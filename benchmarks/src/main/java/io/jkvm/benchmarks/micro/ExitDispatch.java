// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.bus.IoBus;
import io.jkvm.core.kvm.state.KvmRun;
import io.jkvm.core.vm.ExitDispatcher;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * From an exit in {@code kvm_run} to the device's method and back, among as many devices as a PC
 * has.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ExitDispatch {
  private static final int PAGE_BYTES = 8192;
  private static final int DATA_OFFSET = 4096;
  private static final int PORT = 0x3f8;
  private static final long REGISTERS = 0xd0000000L;
  private static final int DEVICES = 12;
  private static final int DEVICE_BYTES = 0x1000;

  private KvmRun portRead;
  private KvmRun mmioRead;
  private KvmRun mmioWrite;
  private ExitDispatcher dispatcher;

  /** Gives and takes numbers. */
  private static final class Counter implements BusDevice {
    private long count;

    @Override
    public long read(long offset, int size) {
      return ++count;
    }

    @Override
    public void write(long offset, int size, long value) {
      count += value;
    }
  }

  /** Lays out the exits as KVM does (linux/kvm.h). */
  @Setup
  public void prepare() {
    IoBus.Builder ports = IoBus.builder();
    IoBus.Builder mmio = IoBus.builder();
    for (int i = 0; i < DEVICES; i++) {
      ports.map(PORT + 8 * (i - DEVICES / 2), 8, "port device " + i, new Counter());
      mmio.map(REGISTERS + (long) DEVICE_BYTES * i, DEVICE_BYTES, "device " + i, new Counter());
    }
    dispatcher = new ExitDispatcher(ports.build(), mmio.build());
    ByteBuffer port = page(KvmRun.IO);
    port.put(33, (byte) 1).putShort(34, (short) (PORT + 5)).putInt(36, 1).putLong(40, DATA_OFFSET);
    portRead = new KvmRun(port);
    mmioRead = mmio(false);
    mmioWrite = mmio(true);
  }

  private static KvmRun mmio(boolean write) {
    ByteBuffer page = page(KvmRun.MMIO);
    page.putLong(32, REGISTERS + 3 * DEVICE_BYTES + 0x60).putInt(48, 4);
    return new KvmRun(page.put(52, (byte) (write ? 1 : 0)));
  }

  private static ByteBuffer page(int exitReason) {
    ByteBuffer page = ByteBuffer.allocateDirect(PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    return page.putInt(8, exitReason);
  }

  @Benchmark
  public Object portRead() {
    return dispatcher.dispatch(portRead);
  }

  @Benchmark
  public Object mmioRead() {
    return dispatcher.dispatch(mmioRead);
  }

  @Benchmark
  public Object mmioWrite() {
    return dispatcher.dispatch(mmioWrite);
  }
}
