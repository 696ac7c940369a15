// SPDX-License-Identifier: Apache-2.0
/**
 * Between a guest's serial port and the host's file descriptors: one thread writes what the guest
 * sends, one reads what is typed. Both hold back whoever is faster, and neither loses a byte of a
 * guest that obeys its port's status.
 */
package io.jkvm.devices.console;
