// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher.command;

/** What a guest's reset does ({@code --on-reboot}). */
public enum OnReboot {
  /** The machine ends. */
  STOP,
  /** The machine starts again, from the same files. */
  RESTART
}
