// SPDX-License-Identifier: Apache-2.0
/**
 * Which objects of the host a guest knows, and how they are found again: {@link
 * io.jkvm.devices.files.host.nodes.HostNodes}. What is done with them is the business of the
 * package above.
 *
 * <p>Each node is an inode reached by a mount. It is held by a handle (O_PATH) while there is room
 * for one, else by its parent and its name there, and what is found by these must be the same inode
 * again.
 */
package io.jkvm.devices.files.host.nodes;
