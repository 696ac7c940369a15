// SPDX-License-Identifier: Apache-2.0
/**
 * How the requests of a disk are carried out, many at a time: by calls on the queue's own thread,
 * by a few threads, or by io_uring, whichever suits a request. {@link
 * io.jkvm.devices.storage.engine.DiskEngines} chooses, {@link
 * io.jkvm.devices.storage.engine.DiskEngine} is what a queue sees. Nothing here allocates for a
 * request, and nothing knows how a guest asks.
 */
package io.jkvm.devices.storage.engine;
