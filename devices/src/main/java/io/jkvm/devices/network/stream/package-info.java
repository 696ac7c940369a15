// SPDX-License-Identifier: Apache-2.0
/**
 * Frames over a stream socket, each after its length: what QEMU's {@code -netdev stream} and passt
 * speak. Knows neither of them; passt is in {@link io.jkvm.devices.network.passt}.
 */
package io.jkvm.devices.network.stream;
