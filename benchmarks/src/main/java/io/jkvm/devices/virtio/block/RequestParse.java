// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import io.jkvm.benchmarks.micro.RequestRing;
import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.devices.storage.RawImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * A read of a disk (virtio 1.2, section 5.2.6) from its ring to the ranges of RAM that its data
 * goes to, and its answer: all that a request costs beside the transfer. In the device's package,
 * whose parts nobody else sees.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RequestParse {
  private static final int DISK_BYTES = 1 << 20;

  private Path file;
  private RawImage image;
  private GuestMemory memory;
  private RequestRing ring;
  private BlockRequest parsed;
  private IoVector data;

  /** Makes a disk, guest memory and a ring of requests. */
  @Setup
  public void prepare() throws IOException, GuestFault {
    file = Files.createTempFile("jkvm-parse", ".img");
    Files.write(file, new byte[DISK_BYTES]);
    image = RawImage.open(file, false);
    memory = GuestMemory.allocate(RequestRing.MEMORY_BYTES);
    ring = new RequestRing(memory, false);
    parsed = new BlockRequest(image, new BlockConfig(image, 254, 1, true));
    data = new IoVector(256);
  }

  /** Gives all of it back. */
  @TearDown
  public void close() throws IOException {
    memory.close();
    image.close();
    Files.delete(file);
  }

  /** From the ring to the answer. */
  @Benchmark
  public long read() throws GuestFault {
    if (parsed.parse(ring.next()) != BlockRequest.STATUS_OK) {
      throw new IllegalStateException("refused");
    }
    data.clear();
    parsed.collectIn(data);
    ring.answer();
    return data.remainingBytes() + parsed.offsetBytes();
  }
}
