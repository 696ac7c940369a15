// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.testing;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.Optional;

/**
 * The host's ends of a command's standard streams.
 *
 * @param input read on a thread of its own, which may be left behind in a read; empty if the
 *     command is to have nothing to read
 * @param output a failed write ends it: the command gets SIGPIPE
 * @param error the same for standard error
 */
public record TestStreams(Optional<InputStream> input, OutputStream output, OutputStream error) {}
