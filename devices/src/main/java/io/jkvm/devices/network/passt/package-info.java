// SPDX-License-Identifier: Apache-2.0
/**
 * The host's network without privileges, by passt(1): one that is started for the card ({@link
 * io.jkvm.devices.network.passt.PasstBackend}) or one that runs already ({@link
 * io.jkvm.devices.network.passt.RunningPasst}).
 */
package io.jkvm.devices.network.passt;
