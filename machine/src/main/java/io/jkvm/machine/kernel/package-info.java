// SPDX-License-Identifier: Apache-2.0
/**
 * What can be known about a kernel before it boots: where its image, configuration and modules are,
 * what it lacks for a purpose, and which modules to load in which order. Files are read as
 * untrusted input: each has a bound.
 */
package io.jkvm.machine.kernel;
