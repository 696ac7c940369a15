// SPDX-License-Identifier: Apache-2.0
package io.jkvm.benchmarks.micro;

import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A request through a split ring (virtio 1.2, section 2.7): found, its descriptors read and
 * checked, answered. It has three buffers as a disk's has, in the ring or in an indirect table.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RingWalk {
  private GuestMemory directMemory;
  private GuestMemory indirectMemory;
  private RequestRing direct;
  private RequestRing indirect;

  /** Makes guest memory and both rings. */
  @Setup
  public void prepare() throws LinuxException, GuestFault {
    directMemory = GuestMemory.allocate(RequestRing.MEMORY_BYTES);
    direct = new RequestRing(directMemory, false);
    indirectMemory = GuestMemory.allocate(RequestRing.MEMORY_BYTES);
    indirect = new RequestRing(indirectMemory, true);
  }

  @TearDown
  public void close() {
    directMemory.close();
    indirectMemory.close();
  }

  @Benchmark
  public boolean direct() throws GuestFault {
    direct.next();
    return direct.answer();
  }

  @Benchmark
  public boolean indirect() throws GuestFault {
    indirect.next();
    return indirect.answer();
  }
}
