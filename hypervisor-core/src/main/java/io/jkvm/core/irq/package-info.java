// SPDX-License-Identifier: Apache-2.0
/**
 * How a device asks for attention: interrupt lines that have a level, and message-signalled
 * vectors. Only interfaces and what combines them; KVM's side is in {@code core.kvm}.
 */
package io.jkvm.core.irq;
