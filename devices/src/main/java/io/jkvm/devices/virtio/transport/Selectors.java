// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.transport;

/**
 * Which window of the features and which queue the driver's next register accesses are about
 * (virtio 1.2, sections 4.1.4.3 and 4.2.2), as it wrote them, unchecked; 0 after a reset.
 */
public final class Selectors {
  public int deviceFeatures;
  public int driverFeatures;
  public int queue;

  void clear() {
    deviceFeatures = 0;
    driverFeatures = 0;
    queue = 0;
  }
}
