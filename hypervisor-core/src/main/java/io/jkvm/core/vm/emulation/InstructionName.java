// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.vm.emulation;

import java.util.Optional;

/**
 * The name of an instruction, for a person who wants to know what to hide from the guest: those
 * that KVM's emulator is known to lack, with the CPUID feature where one announces them (Intel SDM
 * vol. 2, appendix A). Others have no name here.
 */
final class InstructionName {
  private final byte[] code;
  private final boolean is64Bit;
  private int at;
  private boolean has66;
  private boolean hasF2;
  private boolean hasF3;

  private InstructionName(byte[] code, boolean is64Bit) {
    this.code = code;
    this.is64Bit = is64Bit;
  }

  /** Of the instruction at the start of {@code code}, which may end too early. */
  static Optional<String> of(byte[] code, boolean is64Bit) {
    return Optional.ofNullable(new InstructionName(code, is64Bit).oneByte());
  }

  private String oneByte() {
    prefixes();
    int opcode = next();
    return switch (opcode) {
      case 0x0f -> twoByte(next());
      case 0x62 -> is64Bit ? "an AVX-512 instruction" : null;
      case 0x8f -> is64Bit && (peek() & 0x1f) >= 8 ? "an XOP instruction" : null;
      case 0x9b -> "fwait";
      case 0xc4, 0xc5 -> is64Bit ? "an AVX or BMI instruction" : null;
      case 0xcc -> "int3";
      case 0xcd -> "int n";
      case 0xf1 -> "int1";
      default -> opcode >= 0xd8 && opcode <= 0xdf ? "an x87 instruction" : null;
    };
  }

  private void prefixes() {
    while (true) {
      switch (peek()) {
        case 0x66 -> has66 = true;
        case 0xf2 -> hasF2 = true;
        case 0xf3 -> hasF3 = true;
        case 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x67 -> {}
        default -> {
          if (is64Bit && (peek() & 0xf0) == 0x40) {
            at++;
          }
          return;
        }
      }
      at++;
    }
  }

  private String twoByte(int opcode) {
    int extension = peek() >> 3 & 7;
    boolean isRegister = peek() >> 6 == 3;
    return switch (opcode) {
      case 0x00 -> extension == 4 ? "verr" : extension == 5 ? "verw" : null;
      case 0x01 -> system(peek());
      case 0x02 -> "lar";
      case 0x03 -> "lsl";
      case 0x05 -> "syscall";
      case 0x34 -> "sysenter";
      case 0x38 -> threeByte(next());
      case 0x3a -> "an SSE instruction";
      case 0xae -> isRegister ? null : extendedState(extension);
      case 0xb8 -> hasF3 ? "popcnt" : null;
      case 0xc7 -> isRegister ? random(extension) : compareOrSupervisorState(extension);
      default -> isVector(opcode) ? "an MMX or SSE instruction" : null;
    };
  }

  private static String system(int modRm) {
    return switch (modRm) {
      case 0xc8 -> "monitor";
      case 0xc9 -> "mwait";
      case 0xca -> "clac (smap)";
      case 0xcb -> "stac (smap)";
      case 0xd0 -> "xgetbv (xsave)";
      case 0xd1 -> "xsetbv (xsave)";
      case 0xee -> "rdpkru (pku)";
      case 0xef -> "wrpkru (pku)";
      case 0xf9 -> "rdtscp";
      default -> null;
    };
  }

  private String threeByte(int opcode) {
    return switch (opcode) {
      case 0x80 -> "invept";
      case 0x81 -> "invvpid";
      case 0x82 -> "invpcid";
      case 0xf0, 0xf1 -> hasF2 ? "crc32 (sse4_2)" : "movbe";
      case 0xf5 -> "wruss (shstk)";
      case 0xf6 -> has66 ? "adcx (adx)" : hasF3 ? "adox (adx)" : "wrss (shstk)";
      case 0xf8 -> has66 ? "movdir64b" : null;
      case 0xf9 -> "movdiri";
      default -> "an SSE instruction";
    };
  }

  private String extendedState(int extension) {
    return switch (extension) {
      case 2 -> "ldmxcsr";
      case 3 -> "stmxcsr";
      case 4 -> "xsave";
      case 5 -> "xrstor";
      case 6 -> has66 ? "clwb" : "xsaveopt";
      case 7 -> has66 ? "clflushopt" : null;
      default -> null;
    };
  }

  private String random(int extension) {
    return switch (extension) {
      case 6 -> "rdrand";
      case 7 -> hasF3 ? "rdpid" : "rdseed";
      default -> null;
    };
  }

  private static String compareOrSupervisorState(int extension) {
    return switch (extension) {
      case 1 -> "cmpxchg8b or cmpxchg16b (cx16)";
      case 3 -> "xrstors (xsaves)";
      case 4 -> "xsavec";
      case 5 -> "xsaves";
      default -> null;
    };
  }

  private static boolean isVector(int opcode) {
    return opcode >= 0x10 && opcode <= 0x17
        || opcode >= 0x28 && opcode <= 0x2f
        || opcode >= 0x50 && opcode <= 0x7f && opcode != 0x78 && opcode != 0x79 // VMREAD, VMWRITE
        || opcode >= 0xc4 && opcode <= 0xc6
        || opcode == 0xc2
        || opcode >= 0xd0 && opcode <= 0xfe;
  }

  /** Beyond the end nothing matches. */
  private int peek() {
    return at < code.length ? code[at] & 0xff : 0x90;
  }

  private int next() {
    int value = peek();
    at++;
    return value;
  }
}
