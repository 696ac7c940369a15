// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.kernel.KernelFormatException.Kind;
import io.jkvm.firmware.kernel.payload.PayloadDecoder;
import io.jkvm.firmware.kernel.payload.PayloadException;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A bzImage: real-mode setup code, then a protected-mode part that holds a decompressor and the
 * kernel proper as its compressed payload. Immutable.
 */
public final class BzImage implements KernelImage {
  private static final int MAGIC_BYTES = 16;

  private final FileBytes file;
  private final SetupHeader header;
  private final PayloadFormat format;

  BzImage(FileBytes file, SetupHeader header) throws IOException {
    this.file = file;
    this.header = header;
    long available = Math.min(header.payloadLength(), MAGIC_BYTES);
    format = PayloadFormat.of(file.bytes(payloadStart(), (int) available));
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public <T> T accept(Visitor<T> visitor) throws IOException {
    return visitor.bzImage(this);
  }

  /** The checked setup header. */
  public SetupHeader header() {
    return header;
  }

  /**
   * How the payload is compressed. {@link PayloadFormat#UNKNOWN} and {@link PayloadFormat#ABSENT}
   * mean that only the kernel itself can unpack it.
   */
  public PayloadFormat payloadFormat() {
    return format;
  }

  /**
   * Unpacks the payload into the Java heap, about 10 ms for an LZ4 kernel of 8 MB. May be called on
   * any thread; needs no guest memory.
   *
   * @throws KernelFormatException if the payload is damaged, is no x86-64 ELF, or its format is
   *     unknown ({@link #payloadFormat})
   */
  public ElfKernel unpack() throws KernelFormatException {
    if (!format.known()) {
      throw new KernelFormatException(
          path(), Kind.PAYLOAD_UNKNOWN, "has a payload that can't be unpacked here");
    }
    try {
      byte[] payload = new byte[(int) header.payloadLength()];
      file.read(payloadStart(), ByteBuffer.wrap(payload));
      byte[] elf = PayloadDecoder.decode(format, payload);
      return ElfKernel.parse(path(), new HeapBytes(elf));
    } catch (KernelFormatException e) {
      throw e;
    } catch (PayloadException e) {
      throw new KernelFormatException(path(), Kind.DAMAGED, e.getMessage(), e);
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path(), e);
    } catch (OutOfMemoryError e) {
      throw new KernelFormatException(
          path(),
          Kind.HEAP_TOO_SMALL,
          "can't be unpacked in this Java heap of "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB",
          e);
    }
  }

  /** Reads the real-mode part, {@link SetupHeader#setupBytes} long. */
  public byte[] readSetup() throws KernelFormatException {
    byte[] setup = new byte[header.setupBytes()];
    try {
      file.read(0, ByteBuffer.wrap(setup));
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path(), e);
    }
    return setup;
  }

  /**
   * What the kernel calls itself, as {@code file} shows it: its release, then who built it and
   * when; printable ASCII. Empty if the image does not say, or says something else.
   */
  public String versionText() throws KernelFormatException {
    int start = header.versionTextOffset();
    byte[] setup = readSetup();
    int end = start;
    while (end < setup.length && setup[end] >= ' ' && setup[end] < 0x7F) {
      end++;
    }
    boolean terminated = start > 0 && end < setup.length && setup[end] == 0;
    return terminated ? new String(setup, start, end - start, StandardCharsets.US_ASCII) : "";
  }

  /**
   * Loads the protected-mode part into guest RAM.
   *
   * @throws GuestFault if it does not fit there
   */
  public void loadProtectedMode(GuestMemory memory, long address)
      throws KernelFormatException, GuestFault {
    try {
      GuestLoader.load(file, header.setupBytes(), memory, address, header.protectedModeBytes());
    } catch (IOException e) {
      throw KernelFormatException.unreadable(path(), e);
    }
  }

  private long payloadStart() {
    return header.setupBytes() + header.payloadOffset();
  }
}
