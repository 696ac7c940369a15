// SPDX-License-Identifier: Apache-2.0
/**
 * A {@link io.jkvm.devices.files.FileTree} that is a directory of the host: {@link
 * io.jkvm.devices.files.host.HostTree}. Everything is done by descriptors and names of one
 * component, so neither the guest nor another process of the host that moves directories meanwhile
 * leads it out of there.
 */
package io.jkvm.devices.files.host;
