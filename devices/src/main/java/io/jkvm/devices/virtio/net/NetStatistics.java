// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

/**
 * What went through a network card. A frame cut into several on the way counts as each of them.
 *
 * @param received frames that the guest got
 * @param receiveDropped frames for the guest that fit no buffer, or came while it received none;
 *     not those that the network lost because there were no buffers just then
 * @param sent frames that the network took
 * @param sendDropped frames of the guest that were broken, or that the network did not take
 */
public record NetStatistics(long received, long receiveDropped, long sent, long sendDropped) {}
