// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.FileTree;
import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenFile;
import io.jkvm.devices.files.SharePolicy;
import java.util.function.Consumer;

/**
 * The tree, its policy, and what a client has of it. A session begins with TVERSION and ends with a
 * reset or the next one. For one thread at a time; {@link #openCount} for any.
 */
public final class P9Session {
  /**
   * How many fids a client can have, and places in the tree, each of some 200 bytes, if the tree
   * has {@linkplain FileTree#hasRoom room}.
   */
  private static final int MAX_FIDS = 1 << 18;

  /** How many extended attributes can be between their first and last message. */
  private static final int MAX_ATTRIBUTES = 32;

  private final FileTree tree;
  private final SharePolicy policy;
  private final SessionRoom room;
  private final FidTable fids;
  private final PlaceTree places;
  private final RecordLocks locks = new RecordLocks();
  private final Consumer<RuntimeException> onDefect;
  private int maxBytes;
  private int attributeCount;

  /** Written by the thread that serves. */
  private volatile int openCount;

  /**
   * Nothing has begun.
   *
   * @param onDefect hears of what could not be closed when a session ended
   */
  public P9Session(FileTree tree, SharePolicy policy, Consumer<RuntimeException> onDefect) {
    this(tree, policy, onDefect, MAX_FIDS);
  }

  P9Session(FileTree tree, SharePolicy policy, Consumer<RuntimeException> onDefect, int maxFids) {
    this.tree = tree;
    this.policy = policy;
    this.onDefect = onDefect;
    room = new SessionRoom(tree);
    fids = new FidTable(maxFids);
    places = new PlaceTree(tree, room, maxFids);
  }

  public FileTree tree() {
    return tree;
  }

  public SharePolicy policy() {
    return policy;
  }

  public FidTable fids() {
    return fids;
  }

  public PlaceTree places() {
    return places;
  }

  public RecordLocks locks() {
    return locks;
  }

  /** The size of messages that was agreed on, in bytes; 0 before. */
  public int maxBytes() {
    return maxBytes;
  }

  /** A session begins; the one before is forgotten. */
  public void begin(int newMaxBytes) {
    end();
    maxBytes = newMaxBytes;
  }

  /** The client has nothing any more. */
  public void end() {
    maxBytes = 0;
    Fid[] all = fids.all();
    room.take(-all.length);
    fids.clear();
    locks.clear();
    for (Fid fid : all) {
      try {
        close(fid);
      } catch (RuntimeException e) {
        onDefect.accept(e);
      }
    }
    places.clear();
    tree.forgetAll();
  }

  /** How many files and directories are open. */
  public int openCount() {
    return openCount;
  }

  /** Whether no more can be opened. */
  public boolean isOpenFull() {
    return openCount >= policy.maxOpen();
  }

  /**
   * The fid of a number if it stands for a file.
   *
   * @return null if there is none, or it is an extended attribute's
   */
  public Fid file(int number) {
    Fid fid = fids.get(number);
    return fid == null || fid.attribute() != null ? null : fid;
  }

  /**
   * Whether there can be a new fid.
   *
   * @return 0; negated EEXIST if the number is taken, ENFILE if there are too many
   */
  public int checkNew(int number) {
    if (fids.get(number) != null) {
      return -Errno.EEXIST;
    }
    return fids.isFull() || !room.hasMore() ? -Errno.ENFILE : 0;
  }

  /** Adds a fid whose number has been checked. */
  public void add(Fid fid) {
    fids.add(fid);
    room.take(1);
  }

  /** A fid goes to another place, which is held for it. */
  public void move(Fid fid, Place to) {
    places.release(fid.move(to));
  }

  /** A fid of which nothing is open opens a file; there is room. */
  public void opened(Fid fid, OpenFile file) {
    fid.opened(file);
    changeOpenCount(1);
  }

  /** A fid of which nothing is open opens a directory; there is room. */
  public void opened(Fid fid, OpenDirectory directory) {
    fid.opened(directory);
    changeOpenCount(1);
  }

  private void changeOpenCount(int by) {
    openCount = openCount + by;
  }

  /** Whether no other extended attribute can be read or written now. */
  public boolean isAttributesFull() {
    return attributeCount >= MAX_ATTRIBUTES;
  }

  /** A fid becomes an extended attribute; there is room. */
  public void become(Fid fid, AttributeValue value) {
    fid.become(value);
    attributeCount++;
  }

  /** Ends a fid. It is gone also if closing what it had open fails. */
  public void clunk(Fid fid) {
    fids.remove(fid);
    room.take(-1);
    locks.releaseAll(fid);
    try {
      close(fid);
    } finally {
      places.release(fid.place());
    }
  }

  private void close(Fid fid) {
    if (fid.attribute() != null) {
      attributeCount--;
    }
    if (fid.file() != null) {
      changeOpenCount(-1);
      fid.file().close();
    }
    if (fid.directory() != null) {
      changeOpenCount(-1);
      fid.directory().close();
    }
  }
}
