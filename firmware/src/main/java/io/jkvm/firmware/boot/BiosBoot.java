// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;
import io.jkvm.firmware.bios.MiniBios;
import io.jkvm.firmware.cpu.ResetVector;
import io.jkvm.firmware.kernel.BzImage;
import io.jkvm.firmware.kernel.KernelFormatException;
import io.jkvm.firmware.kernel.SetupHeader;
import io.jkvm.firmware.layout.X86Layout;

/**
 * Boots a bzImage as a PC does: the vCPU starts at the reset vector in the mini BIOS, which runs
 * the kernel's real-mode setup code.
 */
final class BiosBoot {
  private BiosBoot() {}

  /**
   * Loads the BIOS, the setup code at {@link X86Layout#SETUP} and the rest at 1 MiB.
   *
   * @throws BootException if the kernel does not fit
   */
  static ResetVector load(BootConfig config, BzImage image)
      throws KernelFormatException, BootException {
    SetupHeader header = image.header();
    GuestMemory memory = config.memory();
    byte[] setup = image.readSetup();
    if (setup.length > MiniBios.HEAP_END_PTR) {
      throw new BootException(
          BootException.Kind.SETUP_CODE_TOO_LARGE,
          "kernel "
              + image.path()
              + " has "
              + setup.length
              + " bytes of setup code, the BIOS has room for "
              + MiniBios.HEAP_END_PTR);
    }
    long end = BzImageBoot.runEnd(header, X86Layout.HIGH_MEMORY);
    KernelPlacement.check(memory, image.path(), X86Layout.HIGH_MEMORY, end);
    try {
      image.loadProtectedMode(memory, X86Layout.HIGH_MEMORY);
      Initrd initrd = Initrd.load(memory, config.initrds(), end, header.initrdAddressMax());
      CommandLine.write(memory, config.commandLine(), header.commandLineBytes());
      BootParams.inSetup(setup)
          .loader(initrd)
          .realMode(MiniBios.HEAP_END_PTR, MiniBios.VID_MODE_CURRENT)
          .write(memory, X86Layout.SETUP);
      byte[] rom = MiniBios.image(config.map(), X86Layout.SETUP_SEGMENT);
      memory.write(X86Layout.BIOS, rom, 0, rom.length);
      // After the copy of the ROM: the tables are in its unused part, the restart in its place.
      config.writeFirmware();
      return new ResetVector(rom);
    } catch (GuestFault e) {
      throw KernelPlacement.doesNotFit(image.path(), e);
    }
  }
}
