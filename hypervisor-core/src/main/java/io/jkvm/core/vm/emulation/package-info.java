// SPDX-License-Identifier: Apache-2.0
/**
 * Decodes and completes the few instructions that KVM's emulator lacks and that kernels use. On
 * hardware nothing comes here.
 */
package io.jkvm.core.vm.emulation;
