// SPDX-License-Identifier: Apache-2.0
/**
 * Port I/O and memory-mapped I/O: which device answers an access. A bus is built once and then only
 * read, so an exit finds its device without a lock.
 */
package io.jkvm.core.bus;
