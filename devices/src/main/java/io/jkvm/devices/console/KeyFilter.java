// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.console;

/**
 * Looks at what is typed before the guest gets it, and may keep keys for itself. Called by the
 * thread of one {@link ConsoleInput}, so it may have a state: a sequence of keys may come in
 * several pieces.
 */
@FunctionalInterface
public interface KeyFilter {
  /**
   * As many bytes more than {@code count} as a filter may pass on at once: keys that it held back.
   */
  int MAX_HELD_BACK = 16;

  /**
   * Filters a piece of input.
   *
   * @param keys what was read
   * @param count how many bytes of it
   * @param passed takes the bytes for the guest; has room for {@code count + MAX_HELD_BACK}
   * @return how many bytes are for the guest
   */
  int filter(byte[] keys, int count, byte[] passed);
}
