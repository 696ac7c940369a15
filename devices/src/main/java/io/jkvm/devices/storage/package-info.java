// SPDX-License-Identifier: Apache-2.0
/**
 * Where a disk's bytes live on the host, and nothing of how a guest asks for them: {@link
 * io.jkvm.devices.storage.BlockBackend} and its implementations.
 */
package io.jkvm.devices.storage;
