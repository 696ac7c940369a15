// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.jkvm.core.kvm.Kvm;
import io.jkvm.core.kvm.KvmVcpu;
import io.jkvm.core.kvm.KvmVm;
import io.jkvm.core.kvm.state.KvmLapic;
import io.jkvm.core.lifecycle.CloseStack;
import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.testing.RequiresKvm;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What KVM has in the registers afterwards. */
@RequiresKvm
class VcpuEntryTest {
  private static final int MASKED = 1 << 16;
  private static final int DELIVERY_MODE = 7 << 8;

  private final CloseStack resources = new CloseStack("test");
  private KvmVm vm;

  @BeforeEach
  void make() throws Exception {
    Kvm kvm = resources.push(Layer.HOST, Kvm.open("/dev/kvm"));
    vm = resources.push(Layer.VM, kvm.createVm());
    vm.setTssAddress(0xfffbd000);
    vm.createIrqchip();
  }

  @AfterEach
  void close() {
    resources.close();
  }

  private KvmVcpu prepared(int id) throws Exception {
    KvmVcpu vcpu = resources.push(Layer.VCPUS, vm.createVcpu(id));
    VcpuEntry.prepare(vcpu, id == 0);
    return vcpu;
  }

  /** While they are off, Linux before 6.3 has no PAT. */
  @Test
  void memoryTypeRangesAreOnAndWriteBackByDefault() throws Exception {
    for (int id = 0; id < 2; id++) {
      assertEquals(0xc06, prepared(id).msr(0x2ff), "vCPU " + id);
    }
  }

  @Test
  void theOldInterruptControllerReachesTheBootProcessorOnly() throws Exception {
    KvmLapic boot = prepared(0).lapic();
    assertEquals(KvmLapic.DELIVERY_EXTINT, boot.register(KvmLapic.LVT_LINT0));
    KvmLapic other = prepared(1).lapic();
    assertEquals(MASKED, other.register(KvmLapic.LVT_LINT0) & (MASKED | DELIVERY_MODE));
  }

  @Test
  void nonMaskableInterruptsReachAll() throws Exception {
    for (int id = 0; id < 2; id++) {
      assertEquals(
          KvmLapic.DELIVERY_NMI, prepared(id).lapic().register(KvmLapic.LVT_LINT1), "vCPU " + id);
    }
  }
}
