// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files;

/**
 * Who in the guest asks; an object that is used again and again. The guest's kernel has checked
 * permissions by the attributes that it was given, so this only says whose a new file should be.
 */
public final class Caller {
  /** The user's number in the guest. */
  public int uid;

  /** The group's number in the guest. */
  public int gid;
}
