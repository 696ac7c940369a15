// SPDX-License-Identifier: Apache-2.0
/** Captures of what passes a network backend, for tcpdump and Wireshark. */
package io.jkvm.devices.network.pcap;
