// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

/**
 * Whether the next read will find its data in the host's page cache, by those before it. To look
 * there first and in vain costs a cold read a second walk, to go the long way costs a warm one a
 * detour: so a few misses in a row change the expectation to one side and more hits to the other.
 * Used by one thread.
 */
final class HitPredictor {
  private static final int MISSES = 2;
  private static final int HITS = 8;
  private static final int TRIAL_EVERY = 8;
  private static final int TRIAL_HITS = 4;

  private boolean expectsHit = true;
  private int streak;
  private int sinceTrial;

  boolean expectsHit() {
    return expectsHit;
  }

  /**
   * Whether to look in the cache although a miss is expected: where nothing else tells of hits, one
   * of several reads has to.
   */
  boolean trialDue() {
    if (++sinceTrial < TRIAL_EVERY) {
      return false;
    }
    sinceTrial = 0;
    return true;
  }

  void hit() {
    hits(1);
  }

  void trialHit() {
    hits(TRIAL_HITS);
  }

  private void hits(int count) {
    if (expectsHit) {
      streak = 0;
    } else {
      streak += count;
      if (streak >= HITS) {
        expectsHit = true;
        streak = 0;
      }
    }
  }

  void missed() {
    if (!expectsHit) {
      streak = 0;
    } else if (++streak == MISSES) {
      expectsHit = false;
      streak = 0;
    }
  }
}
