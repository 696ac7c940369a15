// SPDX-License-Identifier: Apache-2.0
/**
 * The compressed payload of a bzImage: its formats and their unpackers. Every length in a payload
 * is checked before memory is spent on it.
 */
package io.jkvm.firmware.kernel.payload;
