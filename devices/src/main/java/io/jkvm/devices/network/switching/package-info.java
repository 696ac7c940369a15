// SPDX-License-Identifier: Apache-2.0
/** A learning Ethernet switch that joins the network cards of one process, and other backends. */
package io.jkvm.devices.network.switching;
