// SPDX-License-Identifier: Apache-2.0
/**
 * Files of the host for a server that hands them to a guest: every call is relative to a directory
 * descriptor, a name is bytes and never a String. What a server may do with them is its own
 * business.
 *
 * <p>Descriptors are numbers here, since a server holds very many; each is close-on-exec. A
 * <i>handle</i> is a descriptor opened with O_PATH: it holds an inode, whatever its type, without
 * opening the file, and no name has to be looked up again to reach it. What the kernel does for
 * open files only is done for handles by the magic link {@code /proc/self/fd/N} (proc(5)), which
 * leads to the inode itself, also if that is a symbolic link or has no name any more; so proc has
 * to be mounted at /proc.
 *
 * <p>Results: a call that works returns 0 or what it counts, one that fails a negated {@link
 * io.jkvm.core.linux.Errno}. Nothing on the path of a request throws, or allocates. A call that a
 * signal interrupts is made again. Lengths and offsets are the kernel's to judge, but an address
 * with its size has to be memory of the caller's. Structures and names belong to one thread at a
 * time: a server makes a set of them for each of its threads.
 *
 * <p>The modes that {@code openat2}, {@code mkdirat} and {@code mknodat} are given are subject to
 * the umask, which all threads of a JVM share unless a thread takes one of its own: {@link
 * io.jkvm.core.linux.files.ThreadFileAccess#ownUmask}.
 *
 * <p>Needs Linux 5.6 (openat2).
 */
package io.jkvm.core.linux.files;
