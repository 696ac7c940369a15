// SPDX-License-Identifier: Apache-2.0
/**
 * The network by a tap interface of the host (Documentation/networking/tuntap.rst): what the guest
 * sends arrives at the interface, what the host sends to the interface goes to the guest, and
 * checksums and segmentation may be left to either.
 */
package io.jkvm.devices.network.tap;
