// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

import io.jkvm.firmware.layout.X86Layout;

/**
 * The vCPU starts as it comes out of reset, at 0xFFFFFFF0 (Intel SDM volume 3, section 10.1.4).
 *
 * @param rom what to map read-only at {@link X86Layout#BIOS_ROM}, 64 KiB; not copied
 */
public record ResetVector(byte[] rom) implements BootState {}
