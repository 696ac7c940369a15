// SPDX-License-Identifier: Apache-2.0
/** A link's rate, delay and loss, put before any network backend. */
package io.jkvm.devices.network.emulation;
