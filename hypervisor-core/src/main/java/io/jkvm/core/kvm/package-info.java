// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel's KVM objects, each a descriptor with its ioctls: the subsystem, VMs, vCPUs, interrupt
 * routing and doorbells. The structures that the ioctls carry are in {@code kvm.state}.
 */
package io.jkvm.core.kvm;
