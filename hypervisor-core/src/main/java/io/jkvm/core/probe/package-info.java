// SPDX-License-Identifier: Apache-2.0
/**
 * Finds out what this host's KVM can run, by running it in a throw-away VM. Most hosts run all of
 * it; a KVM without hardware behind it interprets ring 0 and lacks instructions.
 */
package io.jkvm.core.probe;
