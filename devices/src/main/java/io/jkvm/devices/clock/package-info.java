// SPDX-License-Identifier: Apache-2.0
/** The battery-backed clock of a PC with its CMOS memory, a Motorola MC146818. */
package io.jkvm.devices.clock;
