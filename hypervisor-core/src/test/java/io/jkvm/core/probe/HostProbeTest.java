// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.state.Cpuid;
import io.jkvm.core.kvm.state.Cpuid.Register;
import io.jkvm.core.testing.RequiresKvm;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresKvm
class HostProbeTest {
  private Cpuid supported;
  private HostCapabilities found;

  @BeforeEach
  void probe() throws Exception {
    try (Kvm kvm = Kvm.open("/dev/kvm")) {
      supported = kvm.supportedCpuid();
      found = HostProbe.run(kvm, supported);
    }
  }

  /** The guess that the probe replaces: right on the hosts that these tests have run on. */
  private static boolean processorShowsVirtualization() throws Exception {
    String cpuinfo = Files.readString(Path.of("/proc/cpuinfo"));
    return Pattern.compile("\\b(vmx|svm)\\b").matcher(cpuinfo).find();
  }

  @Test
  void agreesWithTheProcessorsOwnWord() throws Exception {
    assertEquals(!processorShowsVirtualization(), found.interpretsRingZero(), found.toString());
  }

  @Test
  void aProcessorLacksNothing() {
    assumeFalse(found.interpretsRingZero(), "KVM interprets ring 0 here");
    assertTrue(found.syscallWorks(), found.toString());
    // Emulated hardware may have an XSAVE that does not work out.
    assertTrue(Set.of(RingZeroFeature.XSAVE).containsAll(found.missing()), found.toString());
  }

  @Test
  void anInterpreterLacksWhatItIsKnownToLack() {
    assumeTrue(found.interpretsRingZero(), "a processor runs ring 0 here");
    assertFalse(found.syscallWorks());
    for (RingZeroFeature feature :
        List.of(RingZeroFeature.POPCNT, RingZeroFeature.SMAP, RingZeroFeature.XSAVE)) {
      assertTrue(found.missing().contains(feature), found.toString());
    }
    assertFalse(found.missing().contains(RingZeroFeature.RDRAND), found.toString());
  }

  @Test
  void repeats() throws Exception {
    HostCapabilities first = found;
    for (int i = 0; i < 10; i++) {
      probe();
      assertEquals(first, found);
    }
  }

  @Test
  void aFeatureThatIsNotThereIsMissingAndNotFatal() throws Exception {
    // Shown by the table, so the probe tries it; no processor so far has all, and those raise #UD.
    Cpuid all = supported;
    for (Register register : List.of(Register.EBX, Register.ECX, Register.EDX)) {
      all = all.change(7, 0, register, -1, 0);
    }
    try (Kvm kvm = Kvm.open("/dev/kvm")) {
      HostCapabilities withAll = HostProbe.run(kvm, all);
      assertEquals(found.syscallWorks(), withAll.syscallWorks(), withAll.toString());
      assertEquals(found.interpretsRingZero(), withAll.interpretsRingZero(), withAll.toString());
      assertTrue(withAll.missing().containsAll(found.missing()), withAll.toString());
    }
  }

  @Test
  void anXsaveThatKeepsTheOldSizeIsMissing() {
    Cpuid.Entry states = new Cpuid.Entry(0xd, 0, 1, 7, 576, 832, 0);
    Cpuid.Entry avx = new Cpuid.Entry(0xd, 2, 1, 256, 576, 0, 0);
    Cpuid table = new Cpuid(List.of(states, avx));
    ByteBuffer result = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    assertFalse(RingZeroFeature.XSAVE.isRightResult(result.putInt(0, 576), table));
    assertTrue(RingZeroFeature.XSAVE.isRightResult(result.putInt(0, 832), table));
  }
}
