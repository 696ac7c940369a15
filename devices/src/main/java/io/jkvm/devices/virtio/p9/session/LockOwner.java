// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

/**
 * Who has a lock.
 *
 * @param process a number of the client's, unsigned
 * @param client its name, a character for each byte
 */
public record LockOwner(int process, String client) {}
