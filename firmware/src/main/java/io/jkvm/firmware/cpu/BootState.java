// SPDX-License-Identifier: Apache-2.0
package io.jkvm.firmware.cpu;

/** How the first vCPU starts on a machine whose RAM was loaded. */
public sealed interface BootState permits LongModeEntry, ProtectedModeEntry, ResetVector {}
