// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.boot;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.core.memory.GuestMemory;

/** Writes what every 64-bit entry needs around a loaded kernel. */
final class LongModeBoot {
  private LongModeBoot() {}

  static LongModeEntry finish(
      BootConfig config, BootParams params, Initrd initrd, long commandLineBytes, long rip)
      throws BootException, GuestFault {
    GuestMemory memory = config.memory();
    CommandLine.write(memory, config.commandLine(), commandLineBytes);
    params.loader(initrd).memory(config.map()).write(memory, X86Layout.ZERO_PAGE);
    MpTable.write(memory, config.processors(), config.levelIrqs());
    return LongMode.write(memory, rip);
  }
}
