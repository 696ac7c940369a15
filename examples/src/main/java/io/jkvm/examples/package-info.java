// SPDX-License-Identifier: Apache-2.0
/** Small whole programs, one for each thing that the library is for. */
package io.jkvm.examples;
