// SPDX-License-Identifier: Apache-2.0
/**
 * What a Linux guest's kernel log tells: panics, oopses, warnings, lockups and the like, found in
 * the bytes of its console as they come. Nothing here knows a machine.
 */
package io.jkvm.machine.kernellog;
