// SPDX-License-Identifier: Apache-2.0
/**
 * What a user types after an option, made a part of a specification. Errors are
 * IllegalArgumentExceptions of one line.
 */
package io.jkvm.launcher.option;
