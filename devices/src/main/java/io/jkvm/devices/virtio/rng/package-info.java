// SPDX-License-Identifier: Apache-2.0
/** The entropy device (virtio 1.2, section 5.4). */
package io.jkvm.devices.virtio.rng;
