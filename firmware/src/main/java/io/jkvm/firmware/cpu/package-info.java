// SPDX-License-Identifier: Apache-2.0
/**
 * How a vCPU looks to the guest (CPUID) and how it starts: every register that the first one has at
 * the kernel's first instruction, and the descriptor and page tables behind them.
 */
package io.jkvm.firmware.cpu;
