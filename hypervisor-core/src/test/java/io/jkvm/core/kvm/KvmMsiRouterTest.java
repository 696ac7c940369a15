// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.kvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.irq.MsiVector;
import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.linux.LinuxException;
import io.jkvm.core.testing.RequiresKvm;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Messages seen in a local APIC's interrupt request register, without running the vCPU. */
@RequiresKvm
@Timeout(300)
class KvmMsiRouterTest {
  private static final int SPURIOUS_VECTOR = 0xf0;
  private static final int INTERRUPT_REQUEST = 0x200;
  private static final long LOCAL_APIC = 0xfee0_0000L;

  private final CloseStack resources = new CloseStack("test");
  private KvmVcpu vcpu;
  private KvmMsiRouter router;

  @BeforeEach
  void make() throws Exception {
    Kvm kvm = resources.push(Layer.HOST, Kvm.open("/dev/kvm"));
    KvmVm vm = resources.push(Layer.VM, kvm.createVm());
    vm.setTssAddress(0xfffbd000);
    vm.createIrqchip();
    vcpu = resources.push(Layer.VCPUS, vm.createVcpu(0));
    KvmLapic lapic = vcpu.lapic();
    lapic.register(SPURIOUS_VECTOR, 0x1ff); // enabled by software
    vcpu.setLapic(lapic);
    router = resources.push(Layer.INTERRUPTS, vm.createMsiRouter());
  }

  @AfterEach
  void close() {
    resources.close();
  }

  private boolean requested(int vector) throws LinuxException {
    int register = vcpu.lapic().register(INTERRUPT_REQUEST + vector / 32 * 16);
    return (register & 1 << vector % 32) != 0;
  }

  private boolean awaitRequested(int vector) throws Exception {
    for (int i = 0; i < 1000 && !requested(vector); i++) {
      Thread.sleep(5);
    }
    return requested(vector);
  }

  @Test
  void aSignalSendsTheMessage() throws Exception {
    List<MsiVector> vectors = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      MsiVector vector = router.allocate();
      vector.setMessage(LOCAL_APIC, 0x40 + i);
      vectors.add(vector);
    }
    for (int i = 0; i < vectors.size(); i++) {
      assertFalse(requested(0x40 + i));
      vectors.get(i).signal();
      assertTrue(awaitRequested(0x40 + i), "vector " + i);
    }
  }

  @Test
  void theMessageMayChange() throws Exception {
    MsiVector vector = router.allocate();
    vector.setMessage(LOCAL_APIC, 0x51);
    vector.setMessage(LOCAL_APIC, 0x52);
    vector.signal();
    assertTrue(awaitRequested(0x52));
    assertFalse(requested(0x51));
  }

  @Test
  void messagesToNowhereAreDropped() throws Exception {
    MsiVector vector = router.allocate();
    vector.signal();
    long[] addresses = {0, 0x1000, 0xfed0_0000L, 0xfef0_0000L, 1L << 32 | LOCAL_APIC, -1, 1L << 63};
    for (long address : addresses) {
      vector.setMessage(LOCAL_APIC, 0x60);
      vector.setMessage(address, 0x61);
      vector.signal();
    }
    vector.setMessage(LOCAL_APIC, 0x60);
    Thread.sleep(50);
    assertFalse(requested(0x60));
    assertFalse(requested(0x61));
  }

  @Test
  void garbageDoesNoHarm() throws Exception {
    Random random = new Random(1);
    MsiVector vector = router.allocate();
    MsiVector other = router.allocate();
    for (int i = 0; i < 2000; i++) {
      long address =
          random.nextBoolean() ? random.nextLong() : LOCAL_APIC | random.nextInt(1 << 20);
      vector.setMessage(address, random.nextInt());
      vector.signal();
    }
    vector.setMessage(0, 0);
    other.setMessage(LOCAL_APIC, 0x77);
    KvmLapic lapic = vcpu.lapic();
    lapic.register(INTERRUPT_REQUEST + 0x30, 0);
    vcpu.setLapic(lapic);
    other.signal();
    assertTrue(awaitRequested(0x77));
    assertEquals(0, lapic.register(INTERRUPT_REQUEST + 0x30));
  }
}
