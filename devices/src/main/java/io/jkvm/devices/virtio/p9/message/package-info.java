// SPDX-License-Identifier: Apache-2.0
/**
 * The messages of 9P2000.L as they lie in a request's buffers: their numbers, the fields of what is
 * asked, which may say anything, and those of what is answered. What they mean is not known here.
 *
 * <p>Integers are little-endian; a string is a length of 16 bits and as many bytes; a qid, which
 * stands for a file, has 13 bytes: type, version, and a path, which is the inode number.
 */
package io.jkvm.devices.virtio.p9.message;
