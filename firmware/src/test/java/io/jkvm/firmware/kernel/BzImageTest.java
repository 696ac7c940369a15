// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.kernel;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BzImageTest {
  private static final byte[] ELF = KernelFiles.elf(100_000);

  @TempDir Path folder;
  private byte[] good;

  @BeforeEach
  void makeImage() throws IOException {
    good = KernelFiles.bzImage(Payloads.pack(PayloadFormat.LZ4, ELF));
  }

  @Test
  void readsTheHeader() throws IOException {
    BzImage image = open(good);
    SetupHeader header = image.header();
    assertEquals(0x020F, header.version());
    assertEquals(KernelFiles.SETUP_BYTES, header.setupBytes());
    assertEquals(good.length - KernelFiles.SETUP_BYTES, header.protectedModeBytes());
    assertEquals(0x7FFFFFFF, header.initrdAddressMax());
    assertTrue(header.relocatable());
    assertTrue(header.has64BitEntry());
    assertEquals(0x200000, header.kernelAlignment());
    assertEquals(2047, header.commandLineBytes());
    assertEquals(KernelFiles.KERNEL_ADDRESS, header.preferredAddress());
    assertEquals(KernelFiles.INIT_BYTES, header.initBytes());
    assertEquals(PayloadFormat.LZ4, image.payloadFormat());
    assertEquals(OptionalLong.of(KernelFiles.KERNEL_ADDRESS + 0x40), image.unpack().entryAddress());
    assertArrayEquals(Arrays.copyOf(good, KernelFiles.SETUP_BYTES), image.readSetup());
  }

  @Test
  void tellsTheVersionThatTheSetupCodeNames() throws IOException {
    assertEquals("", open(good).versionText(), "the pointer is 0");
    byte[] text = "6.1.0-x (me@here) #1 SMP\0".getBytes(US_ASCII);
    System.arraycopy(text, 0, good, 0x400, text.length);
    ByteBuffer header = ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN);
    header.putShort(0x20E, (short) (0x400 - 0x200));
    assertEquals("6.1.0-x (me@here) #1 SMP", open(good).versionText());
    good[0x403] = 27;
    assertEquals("", open(good).versionText(), "not printable");
    header.putShort(0x20E, (short) 0xFFFF);
    assertEquals("", open(good).versionText(), "outside of the setup code");
    Arrays.fill(good, 0xB00, KernelFiles.SETUP_BYTES, (byte) 'x');
    header.putShort(0x20E, (short) (0xB00 - 0x200));
    assertEquals("", open(good).versionText(), "no end");
  }

  @Test
  void numbersAreUnsigned() throws IOException {
    SetupHeader header =
        open(change(
                b -> {
                  b.putInt(0x22C, -1);
                  b.putInt(0x238, -2);
                  b.putInt(0x260, -3);
                  b.putInt(0x230, 0x80000000);
                }))
            .header();
    assertEquals(0xFFFFFFFFL, header.initrdAddressMax());
    assertEquals(0xFFFFFFFEL, header.commandLineBytes());
    assertEquals(0xFFFFFFFDL, header.initBytes());
    assertEquals(0x80000000L, header.kernelAlignment());
  }

  @Test
  void noSetupSectorsMeansFour() throws IOException {
    byte[] payload = Payloads.pack(PayloadFormat.GZIP, ELF);
    byte[] image = KernelFiles.bzImage(payload);
    byte[] shorter = new byte[image.length - 512];
    System.arraycopy(image, 0, shorter, 0, 5 * 512);
    System.arraycopy(image, 6 * 512, shorter, 5 * 512, image.length - 6 * 512);
    shorter[0x1F1] = 0;
    BzImage bzImage = open(shorter);
    assertEquals(5 * 512, bzImage.header().setupBytes());
    assertEquals(KernelFiles.KERNEL_ADDRESS, bzImage.unpack().startAddress());
  }

  @Test
  void truncatedAnywhere() throws IOException {
    int[] lengths = {
      0x206,
      0x207,
      0x230,
      0x23B,
      0x23C,
      0x250,
      0x26B,
      0x26C,
      1024,
      2047,
      2048,
      KernelFiles.SETUP_BYTES - 1,
      KernelFiles.SETUP_BYTES,
      KernelFiles.SETUP_BYTES + 0x200,
      KernelFiles.SETUP_BYTES + KernelFiles.PAYLOAD_OFFSET + 5,
      good.length / 2,
      good.length - 16
    };
    for (int length : lengths) {
      assertProblem(Arrays.copyOf(good, length), "is truncated");
    }
    // Shorter than the magic number it is no bzImage at all.
    assertProblem(Arrays.copyOf(good, 0x205), "");
    open(Arrays.copyOf(good, good.length - 1 - (16 - good.length % 16) % 16));
  }

  @Test
  void trailingBytesAreNotLoaded() throws IOException {
    SetupHeader header = open(Arrays.copyOf(good, good.length + 5000)).header();
    assertEquals(good.length - KernelFiles.SETUP_BYTES, header.protectedModeBytes());
  }

  @Test
  void setupSectorsBeyondTheFile() {
    assertProblem(change(Arrays.copyOf(good, 40_000), b -> b.put(0x1F1, (byte) 255)), "truncated");
  }

  @Test
  void syssizeBeyondTheFile() {
    assertProblem(change(b -> b.putInt(0x1F4, -1)), "is truncated");
    assertProblem(change(b -> b.putInt(0x1F4, b.getInt(0x1F4) + 1)), "is truncated");
    assertProblem(change(b -> b.putInt(0x1F4, 0)), "syssize is 0");
  }

  @Test
  void oldProtocols() throws IOException {
    assertProblem(
        change(b -> b.putShort(0x206, (short) 0x0205)), "boot protocol 2.05, and 2.06 or");
    assertProblem(change(b -> b.putShort(0x206, (short) 0)), "boot protocol 0.00");
    SetupHeader header = open(change(b -> b.putShort(0x206, (short) 0x0206))).header();
    assertEquals(0, header.payloadLength());
    assertEquals(0, header.initBytes());
    assertEquals(0x100000, header.preferredAddress());
    assertFalse(header.has64BitEntry());
  }

  @Test
  void newProtocolsAreUnsigned() throws IOException {
    assertTrue(open(change(b -> b.putShort(0x206, (short) 0xF000))).header().has64BitEntry());
  }

  @Test
  void otherDamage() {
    assertProblem(change(b -> b.put(0x211, (byte) 0)), "is a zImage");
    assertProblem(change(b -> b.putShort(0x1FE, (short) 0)), "no 0xAA55");
    assertProblem(change(b -> b.put(0x201, (byte) 0x20)), "setup header ends at 0x222");
    assertProblem(change(b -> b.putInt(0x230, 0)), "kernel_alignment is 0x0");
    assertProblem(change(b -> b.putInt(0x230, 0x300000)), "kernel_alignment is 0x300000");
  }

  @Test
  void payloadOutOfBounds() {
    assertProblem(change(b -> b.putInt(0x248, -1)), "damaged bzImage (payload");
    assertProblem(change(b -> b.putInt(0x24C, -1)), "damaged bzImage (payload");
    assertProblem(change(b -> b.putInt(0x248, b.getInt(0x248) + 32)), "damaged bzImage (payload");
    assertProblem(change(b -> b.putInt(0x248, good.length)), "damaged bzImage (payload");
  }

  @Test
  void absentAndUnknownPayloadsSaySo() throws IOException {
    BzImage absent = open(change(b -> b.putInt(0x24C, 0)));
    assertEquals(PayloadFormat.ABSENT, absent.payloadFormat());
    assertFalse(absent.payloadFormat().known());
    assertThrows(KernelFormatException.class, absent::unpack);
    int start = KernelFiles.SETUP_BYTES + KernelFiles.PAYLOAD_OFFSET;
    BzImage unknown = open(change(b -> b.putInt(start, 0x12345678)));
    assertEquals(PayloadFormat.UNKNOWN, unknown.payloadFormat());
    KernelFormatException e = assertThrows(KernelFormatException.class, unknown::unpack);
    assertEquals(KernelFormatException.Kind.PAYLOAD_UNKNOWN, e.kind());
    assertEquals(PayloadFormat.UNKNOWN, open(change(b -> b.putInt(0x24C, 2))).payloadFormat());
  }

  @Test
  void payloadThatIsNoElf() throws IOException {
    byte[] image = KernelFiles.bzImage(Payloads.pack(PayloadFormat.GZIP, new byte[5000]));
    KernelFormatException e = assertThrows(KernelFormatException.class, open(image)::unpack);
    assertTrue(e.getMessage().contains("payload that is no ELF"), e.getMessage());
  }

  @Test
  void fileThatShrinksAfterItWasOpened() throws IOException {
    BzImage image = open(good);
    Files.write(folder.resolve("bzImage"), Arrays.copyOf(good, 8000));
    KernelFormatException e = assertThrows(KernelFormatException.class, image::unpack);
    assertTrue(e.getMessage().contains("ends at byte 8000"), e.getMessage());
    try (GuestMemory memory = GuestMemory.allocate(64 << 20)) {
      assertThrows(KernelFormatException.class, () -> image.loadProtectedMode(memory, 1 << 20));
    }
  }

  @Test
  void loadsTheProtectedModePart() throws IOException, GuestFault {
    try (GuestMemory memory = GuestMemory.allocate(64 << 20)) {
      BzImage image = open(good);
      image.loadProtectedMode(memory, 1 << 20);
      byte[] loaded = new byte[good.length - KernelFiles.SETUP_BYTES];
      memory.read(1 << 20, loaded, 0, loaded.length);
      assertArrayEquals(Arrays.copyOfRange(good, KernelFiles.SETUP_BYTES, good.length), loaded);
      assertThrows(GuestFault.class, () -> image.loadProtectedMode(memory, 64 << 20));
    }
  }

  @Test
  void randomDamageNeverDoesWorseThanAnError() {
    Random random = new Random(2006);
    assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          int opened = 0;
          for (int i = 0; i < 3000; i++) {
            byte[] image = good.clone();
            for (int k = 1 + random.nextInt(6); k > 0; k--) {
              int at = random.nextInt(4) == 0 ? random.nextInt(image.length) : headerByte(random);
              image[at] = (byte) (random.nextBoolean() ? random.nextInt() : -random.nextInt(2));
            }
            try {
              BzImage bzImage = open(image);
              opened++;
              bzImage.header().toBytes();
              bzImage.readSetup();
              bzImage.unpack();
            } catch (KernelFormatException e) {
              assertFalse(e.getMessage().contains("\n"), e.getMessage());
            }
          }
          assertTrue(opened > 300, "too few got past the header: " + opened);
        });
  }

  private static int headerByte(Random random) {
    return 0x1F1 + random.nextInt(0x26C - 0x1F1);
  }

  private byte[] change(Consumer<ByteBuffer> change) {
    return change(good.clone(), change);
  }

  private static byte[] change(byte[] image, Consumer<ByteBuffer> change) {
    change.accept(ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN));
    return image;
  }

  private BzImage open(byte[] image) throws IOException {
    KernelImage kernel = KernelImage.open(Files.write(folder.resolve("bzImage"), image));
    if (kernel instanceof BzImage bzImage) {
      return bzImage;
    }
    throw new AssertionError("was taken for another kind of kernel");
  }

  private void assertProblem(byte[] image, String problem) {
    KernelFormatException e = assertThrows(KernelFormatException.class, () -> open(image));
    assertTrue(e.getMessage().contains(problem), e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }
}
