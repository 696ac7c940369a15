// SPDX-License-Identifier: Apache-2.0
/**
 * How the parts of a machine begin, rest and end: threads, pauses, the one reason for a stop, the
 * order of closing. Nothing here knows what a machine is made of.
 */
package io.jkvm.core.lifecycle;
