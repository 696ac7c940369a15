// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/** What statfs(2) tells; public fields. An object that is used again and again. */
public final class TreeStatistics {
  /** Size in units of {@link #fragmentBytes}. */
  public long blocks;

  /** Free of these. */
  public long freeBlocks;

  /** Free of these for ordinary users. */
  public long availableBlocks;

  /** How many files there can be; 0 if there is no such limit. */
  public long files;

  public long freeFiles;

  /** Preferred size of reads and writes in bytes. */
  public int blockBytes;

  /** The unit of the blocks above, in bytes. */
  public int fragmentBytes;

  /** The longest name in bytes. */
  public int nameBytes;
}
