// SPDX-License-Identifier: Apache-2.0
/**
 * The guest-physical addresses that the machine fixes, and the memory map that tells the guest of
 * them. Everything else in firmware stands on this package; it knows none of the others.
 */
package io.jkvm.firmware.layout;
