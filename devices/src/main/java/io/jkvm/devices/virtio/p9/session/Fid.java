// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import io.jkvm.devices.files.OpenDirectory;
import io.jkvm.devices.files.OpenFile;

/**
 * What a client calls a file by, under a number of its own choice: a place in the tree, and what is
 * open there: nothing, a regular file, a directory, or an extended attribute.
 */
public final class Fid {
  private final int number;
  private final int uid;
  private Place place;
  private OpenFile file;
  private OpenDirectory directory;
  private AttributeValue attribute;

  /**
   * A fid with nothing open.
   *
   * @param uid the user of the guest's that its TATTACH named
   * @param place is held by it
   */
  public Fid(int number, int uid, Place place) {
    this.number = number;
    this.uid = uid;
    this.place = place;
  }

  /** The client's number. */
  public int number() {
    return number;
  }

  /** Who uses it. */
  public int uid() {
    return uid;
  }

  /** Where it is. */
  public Place place() {
    return place;
  }

  /** The node of where it is. */
  public long node() {
    return place.node();
  }

  /** The file that is open; null if none is. */
  public OpenFile file() {
    return file;
  }

  /** The directory that is open; null if none is. */
  public OpenDirectory directory() {
    return directory;
  }

  /** The extended attribute that it stands for; null for a file. */
  public AttributeValue attribute() {
    return attribute;
  }

  /** Whether nothing is open. */
  public boolean isPlain() {
    return file == null && directory == null && attribute == null;
  }

  /** Goes to another place; the caller ends the hold of the one before, which is returned. */
  Place move(Place to) {
    Place before = place;
    place = to;
    return before;
  }

  /** Becomes an attribute instead of a file. */
  void become(AttributeValue value) {
    attribute = value;
  }

  void opened(OpenFile newFile) {
    file = newFile;
  }

  void opened(OpenDirectory newDirectory) {
    directory = newDirectory;
  }
}
