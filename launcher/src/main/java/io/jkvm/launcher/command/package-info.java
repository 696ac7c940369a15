// SPDX-License-Identifier: Apache-2.0
/** The commands of jkvm, one class each; what several have in common is a mixin. */
package io.jkvm.launcher.command;
