// SPDX-License-Identifier: Apache-2.0
/**
 * The host's network interfaces and local sockets: tap queues, interface requests, unix(7). Frames
 * and protocols are the business of the devices.
 */
package io.jkvm.core.linux.net;
