// SPDX-License-Identifier: Apache-2.0
/**
 * Guest RAM and checked access to it by guest-physical address. An access outside is a {@link
 * io.jkvm.core.memory.GuestFault}, the guest's error and never the host's.
 */
package io.jkvm.core.memory;
