// SPDX-License-Identifier: Apache-2.0
/** ACPI tables (Advanced Configuration and Power Interface specification 6.4) and their AML. */
package io.jkvm.firmware.tables;
