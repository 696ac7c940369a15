// SPDX-License-Identifier: Apache-2.0
package io.jkvm.examples;

import io.jkvm.core.bus.BusDevice;
import io.jkvm.core.linux.IoVector;
import io.jkvm.devices.network.NetworkBackend;
import io.jkvm.devices.network.NetworkCard;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.virtio.rng.VirtioRng;
import io.jkvm.machine.spec.DiskSpec;
import io.jkvm.machine.spec.MachineSpec;
import io.jkvm.machine.spec.NetworkSpec;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/** A machine with a port, a disk, a network and a virtio device that are written in Java. */
public final class DevicesOfOnesOwn {
  /** An I/O port where nothing is. */
  public static final int PORT = 0x510;

  private final AtomicLong written = new AtomicLong();
  private final AtomicLong frames = new AtomicLong();

  /** The last value that the guest wrote to {@link #PORT}. */
  public long written() {
    return written.get();
  }

  /** How many frames the guest sent. */
  public long frames() {
    return frames.get();
  }

  /** A machine with all of them. */
  public MachineSpec spec(Path kernel, Path initrd) {
    return MachineSpec.boot(kernel)
        .initrd(initrd)
        .portDevice(PORT, 1, "doubler", connections -> new Doubler())
        .disk(DiskSpec.custom("pattern", PatternDisk::new).asReadOnly())
        .card(new NetworkSpec.Custom(CountingNetwork::new))
        .virtioDevice(VirtioRng::new)
        .commandLine("quiet jkvm.ip=none")
        .build();
  }

  /** Answers with twice what was written. */
  private final class Doubler implements BusDevice {
    @Override
    public long read(long offset, int size) {
      return 2 * written.get();
    }

    @Override
    public void write(long offset, int size, long value) {
      written.set(value);
    }
  }

  /** Takes every frame, and never has one for the guest. */
  private final class CountingNetwork implements NetworkBackend {
    @Override
    public String name() {
      return "counter";
    }

    @Override
    public void start(NetworkCard card) {}

    @Override
    public boolean transmit(int queuePair, Frame frame) {
      frames.incrementAndGet();
      return true;
    }

    @Override
    public void close() {}
  }

  /** A disk of 1 MiB that holds the letter J throughout. */
  private static final class PatternDisk implements BlockBackend {
    @Override
    public String name() {
      return "pattern";
    }

    @Override
    public long capacityBytes() {
      return 1 << 20;
    }

    @Override
    public boolean readOnly() {
      return true;
    }

    @Override
    public int logicalBlockBytes() {
      return 512;
    }

    @Override
    public void read(IoVector target, long offset) {
      byte[] letters = new byte[(int) target.remainingBytes()];
      Arrays.fill(letters, (byte) 'J');
      target.fill(ByteBuffer.wrap(letters));
    }

    @Override
    public void write(IoVector source, long offset) {
      throw new UnsupportedOperationException("the disk is read-only");
    }

    @Override
    public void flush() {}

    @Override
    public void discard(long offset, long length) {}

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {}
  }
}
