// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.core.kvm.state.Cpuid.Register;
import java.util.Optional;

/**
 * A processor feature as a bit of CPUID (Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E),
 * under the name it has in Linux's /proc/cpuinfo.
 *
 * @param leaf CPUID function
 * @param subleaf CPUID index
 * @param bit 0 to 31 of the register
 */
record CpuFeature(int leaf, int subleaf, Register register, int bit) {

  /** One output register: 32 names by rising bit, "-" where there is none. */
  private record Word(int leaf, int subleaf, Register register, String names) {}

  private static final Word[] WORDS = {
    new Word(
        1,
        0,
        Register.EDX,
        "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts"
            + " acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"),
    new Word(
        1,
        0,
        Register.ECX,
        "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm -"
            + " pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx"
            + " f16c rdrand hypervisor"),
    new Word(
        7,
        0,
        Register.EBX,
        "fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm cqm"
            + " zero_fcs_fds mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt"
            + " clwb intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"),
    new Word(
        7,
        0,
        Register.ECX,
        "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq"
            + " avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid -"
            + " bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc -"),
    new Word(
        7,
        0,
        Register.EDX,
        "- - avx512_4vnniw avx512_4fmaps fsrm - - - avx512_vp2intersect srbds_ctrl md_clear"
            + " rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - pconfig arch_lbr"
            + " ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 spec_ctrl intel_stibp flush_l1d"
            + " arch_capabilities core_capabilities spec_ctrl_ssbd"),
    new Word(
        0xd,
        1,
        Register.EAX,
        "xsaveopt xsavec xgetbv1 xsaves xfd - - - - - - - - - - - - - - - - - - - - - - - - - - -"),
    new Word(
        0x80000001,
        0,
        Register.EDX,
        "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp -"
            + " lm 3dnowext 3dnow"),
    new Word(
        0x80000001,
        0,
        Register.ECX,
        "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop"
            + " skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext"
            + " ptsc perfctr_llc mwaitx - -"),
  };

  /** The feature of a name; empty for one that is not known here. */
  static Optional<CpuFeature> named(String name) {
    for (Word word : WORDS) {
      String[] names = word.names.split(" ");
      for (int bit = 0; bit < names.length; bit++) {
        if (!name.equals("-") && names[bit].equals(name)) {
          return Optional.of(new CpuFeature(word.leaf, word.subleaf, word.register, bit));
        }
      }
    }
    return Optional.empty();
  }
}
