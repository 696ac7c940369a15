// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.bios.MiniBios;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.KernelImage;
import io.jkvm.firmware.kernel.payload.PayloadFormat;
import io.jkvm.firmware.layout.E820Map;
import io.jkvm.firmware.layout.X86Layout;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.firmware.testing.Boots;
import io.jkvm.firmware.testing.KernelFiles;
import io.jkvm.firmware.testing.Payloads;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each way to boot brings the ACPI tables, where the kernel finds them. */
class AcpiBootTest {
  private static final long RSDP = 0xF1100;

  @TempDir Path folder;
  private GuestMemory memory;
  private BzImage kernel;

  @BeforeEach
  void make() throws IOException {
    memory = GuestMemory.allocate(64 << 20);
    byte[] image = KernelFiles.bzImage(Payloads.pack(PayloadFormat.LZ4, KernelFiles.elf(10_000)));
    kernel = (BzImage) KernelImage.open(Files.write(folder.resolve("bzImage"), image));
  }

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void directBootTellsTheAddress() throws IOException, GuestFault {
    DirectBoot.load(config(true), UnpackedKernel.of(kernel, kernel.unpack()));
    assertTables();
    assertEquals(RSDP, memory.slice(X86Layout.ZERO_PAGE + 0x70, 8).getLong(0));
  }

  @Test
  void bzImageBootTellsTheAddress() throws IOException, GuestFault {
    BzImageBoot.load(config(true), kernel);
    assertTables();
    assertEquals(RSDP, memory.slice(X86Layout.ZERO_PAGE + 0x70, 8).getLong(0));
  }

  @Test
  void biosBootHasTablesBesideTheBios() throws IOException, GuestFault {
    byte[] rom = BiosBoot.load(config(true), kernel).rom();
    assertTables();
    assertArrayEquals(
        Arrays.copyOf(rom, MiniBios.USED_BYTES),
        Boots.read(memory, X86Layout.BIOS, MiniBios.USED_BYTES));
    // The restart in place of the first jump, then the BIOS's date and model.
    assertArrayEquals(Arrays.copyOfRange(rom, 0xFFF5, 0x10000), Boots.read(memory, 0xFFFF5, 11));
  }

  @Test
  void noTablesNoAddress() throws IOException, GuestFault {
    BzImageBoot.load(config(false), kernel);
    assertEquals(0, memory.readU32(RSDP));
    assertEquals(0, memory.slice(X86Layout.ZERO_PAGE + 0x70, 8).getLong(0));
  }

  private void assertTables() throws GuestFault {
    byte[] signature = Boots.read(memory, RSDP, 8);
    assertEquals("RSD PTR ", new String(signature, StandardCharsets.US_ASCII));
  }

  private BootConfig config(boolean acpi) {
    AcpiConfig tables = new AcpiConfig(1, List.of(), Optional.empty());
    return new BootConfig(
        memory,
        E820Map.of(memory),
        "",
        List.of(),
        1,
        0,
        acpi ? Optional.of(tables) : Optional.empty());
  }
}
