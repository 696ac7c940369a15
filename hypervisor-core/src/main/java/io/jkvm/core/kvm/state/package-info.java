// SPDX-License-Identifier: Apache-2.0
/**
 * The structures that KVM's ioctls read and write, by the names of their fields. None calls the
 * kernel, so all can be tested as plain bytes.
 */
package io.jkvm.core.kvm.state;
