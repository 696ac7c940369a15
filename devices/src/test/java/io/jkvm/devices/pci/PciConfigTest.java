// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.pci;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jkvm.core.bus.AddressRange;
import io.jkvm.devices.pci.testing.PciMachine;
import io.jkvm.devices.pci.testing.TestFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Mechanism #1 and type-0 headers: PCI Local Bus 3.0, sections 3.2.2.3.2 and 6.1 to 6.7. */
class PciConfigTest {
  private final PciMachine machine = new PciMachine();
  private final TestFunction function = new TestFunction(1, 0x4000, 0x1000);

  @BeforeEach
  void add() {
    machine.bus().add(3, function);
  }

  @Test
  void hostBridgeIsDevice0() {
    assertEquals(0x00081b36, machine.readConfig(0, 0, 4));
    assertEquals(0x0600, machine.readConfig(0, 10, 2));
    assertEquals(0, machine.readConfig(0, 14, 1), "type 0, one function");
  }

  @Test
  void configAddressTakes4BytesOnly() {
    machine.ports().write(0xcf8, 4, 0xffff_ffffL);
    assertEquals(0x80ff_fffcL, machine.ports().read(0xcf8, 4), "reserved bits read 0");
    machine.ports().write(0xcf8, 1, 0);
    machine.ports().write(0xcf8, 2, 0);
    machine.ports().write(0xcfa, 2, 0);
    machine.ports().write(0xcfb, 1, 1);
    assertEquals(0x80ff_fffcL, machine.ports().read(0xcf8, 4));
    assertEquals(0xff, machine.ports().read(0xcf8, 1));
    assertEquals(0xffff, machine.ports().read(0xcfa, 2));
    assertEquals(0xffff_ffffL, machine.ports().read(0xcfa, 4), "across address and data");
    assertEquals(0, machine.resetControl());
  }

  @Test
  void port0xcf9IsTheResetControl() {
    machine.ports().write(0xcf9, 1, 6);
    assertEquals(6, machine.ports().read(0xcf9, 1));
    assertEquals(0, machine.ports().read(0xcf8, 4));
    machine.ports().write(0xcf9, 2, 9);
    assertEquals(6, machine.resetControl());
  }

  @Test
  void dataTakesEverySizeAndAlignmentWithinIts4Bytes() {
    machine.select(3, 0);
    assertEquals(0x5678_1234L, machine.ports().read(0xcfc, 4));
    assertEquals(0x7812, machine.ports().read(0xcfd, 2));
    assertEquals(0x5678, machine.ports().read(0xcfe, 2));
    assertEquals(0x56, machine.ports().read(0xcff, 1));
    assertEquals(0xffff, machine.ports().read(0xcff, 2), "leaves the register");
    assertEquals(0xffff_ffffL, machine.ports().read(0xcfd, 4));
    machine.select(3, 0x0c);
    machine.ports().write(0xcfd, 4, 0);
    machine.ports().write(0xcff, 2, 0xffff);
    machine.ports().write(0xcfc, 4, 0xffff_ffffL);
    assertEquals(0x0000_ffffL, machine.ports().read(0xcfc, 4), "cache line and latency only");
  }

  @Test
  void nothingAnswersElsewhere() {
    long[] nobody = {
      0x8000_0000L | 4 << 11, // no device
      0x8000_0000L | 3 << 11 | 1 << 8, // no function
      0x8000_0000L | 1 << 16 | 3 << 11, // no bus
      0x8100_0000L | 3 << 11, // AMD's extended registers
      0x0000_0000L | 3 << 11, // not enabled
    };
    for (long address : nobody) {
      machine.ports().write(0xcf8, 4, address);
      assertEquals(0xffff_ffffL, machine.ports().read(0xcfc, 4), Long.toHexString(address));
      machine.ports().write(0xcfc, 4, 0);
    }
    assertEquals(0x56781234, machine.readConfig(3, 0, 4));
  }

  @Test
  void identityIsReadOnly() {
    for (int register : new int[] {0x00, 0x08, 0x2c, 0x30, 0x34}) {
      int before = machine.readConfig(3, register, 4);
      machine.writeConfig(3, register, 4, ~before);
      assertEquals(before, machine.readConfig(3, register, 4), "register " + register);
    }
    assertEquals(0xabcdef9a, machine.readConfig(3, 8, 4));
    assertEquals(0x24681357, machine.readConfig(3, 0x2c, 4));
    machine.writeConfig(3, 4, 4, -1);
    assertEquals(0x0546, machine.readConfig(3, 4, 4), "status is not writable");
  }

  @Test
  void baseAddressesAreSized() {
    long first = machine.barAddress(3, 0);
    assertEquals(0, first % 0x4000);
    for (int[] sized : new int[][] {{0, -0x4000}, {1, -0x1000}, {2, 0}, {5, 0}}) {
      int register = 0x10 + 4 * sized[0];
      int before = machine.readConfig(3, register, 4);
      machine.writeConfig(3, register, 4, -1);
      assertEquals(sized[1], machine.readConfig(3, register, 4));
      machine.writeConfig(3, register, 4, before);
      assertEquals(before, machine.readConfig(3, register, 4));
    }
    machine.writeConfig(3, 0x13, 1, 0xe5);
    assertEquals(0xe500_0000L, machine.barAddress(3, 0), "a byte at a time works too");
  }

  @Test
  void interruptLineIsTheGuests() {
    function.configSpace().interrupt(1, 19);
    assertEquals(0x0113, machine.readConfig(3, 0x3c, 2));
    machine.writeConfig(3, 0x3c, 4, 0xffff_ff05);
    assertEquals(0x0105, machine.readConfig(3, 0x3c, 4));
  }

  @Test
  void capabilitiesAreAList() {
    assertEquals(0, machine.readConfig(3, 6, 2));
    int a = function.configSpace().addCapability(9, new byte[] {5, 1, 2}, new byte[] {0, 15, 0});
    int b = function.configSpace().addCapability(9, new byte[] {4, 3}, new byte[2]);
    assertEquals(0x10, machine.readConfig(3, 6, 2));
    assertEquals(a, machine.findCapability(3, 9, 0));
    assertEquals(b, machine.findCapability(3, 9, a));
    assertEquals(0, machine.findCapability(3, 9, b));
    assertEquals(0, b % 4);
    machine.writeConfig(3, a, 4, -1);
    assertEquals(0x0f050009 | b << 8, machine.readConfig(3, a, 4));
    assertThrows(
        IllegalArgumentException.class,
        () -> function.configSpace().addCapability(9, new byte[200], new byte[200]));
  }

  @Test
  void aDeviceThatIsTakenOrFindsNoRoomIsRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> machine.bus().add(3, new TestFunction(2, 0x1000)));
    PciBus small = new PciBus(new PciMemoryWindow(new AddressRange(0xe0000000L, 0x5000)));
    small.add(1, new TestFunction(1, 0x1000));
    assertThrows(IllegalArgumentException.class, () -> small.add(2, new TestFunction(1, 0x4000)));
  }
}
