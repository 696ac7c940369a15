// SPDX-License-Identifier: Apache-2.0
/** What of a disk needs no guest, by JMH, in its own package: a request's parsing. */
package io.jkvm.devices.virtio.block;
