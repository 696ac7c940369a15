// SPDX-License-Identifier: Apache-2.0
/**
 * What a PC's firmware tells the operating system about the hardware: ACPI tables (Advanced
 * Configuration and Power Interface specification 6.4) with their AML, and the MP table (Intel
 * MultiProcessor Specification 1.4) for kernels without ACPI.
 */
package io.jkvm.firmware.tables;
