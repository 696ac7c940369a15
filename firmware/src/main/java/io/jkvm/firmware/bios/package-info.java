// SPDX-License-Identifier: Apache-2.0
/**
 * The mini BIOS, whose source is {@code firmware/src/main/asm/bios}. Here its image is configured
 * for a machine.
 */
package io.jkvm.firmware.bios;
