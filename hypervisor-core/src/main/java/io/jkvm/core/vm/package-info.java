// SPDX-License-Identifier: Apache-2.0
/**
 * A machine that runs: one thread for each vCPU, which enters the guest and hands its exits to the
 * buses, and what starts, pauses, stops and closes them together.
 */
package io.jkvm.core.vm;
