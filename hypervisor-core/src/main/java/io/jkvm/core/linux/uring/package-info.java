// SPDX-License-Identifier: Apache-2.0
/**
 * io_uring (io_uring(7)): reads and writes that are handed to the kernel through a ring in shared
 * memory and whose results come back through another, many with one system call and in any order.
 *
 * <p>A ring is used by one thread at a time and allocates nothing after its start. Memory orders
 * are those that the kernel's side expects: an index that the other side reads is stored with
 * release, one that the other side writes is loaded with acquire. Not used, on purpose: registered
 * buffers, which would pin the guest's memory; kernel threads that poll (SQPOLL) and polled
 * completion (IOPOLL), which burn a processor; registered files, which stay open for a while after
 * the ring is closed, with their locks.
 *
 * <p>Needs Linux 5.12, where the kernel's own workers became threads of this process.
 */
package io.jkvm.core.linux.uring;
