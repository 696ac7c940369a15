// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.spec;

import io.jkvm.core.probe.HostCapabilities;
import io.jkvm.devices.pci.PciBus;
import io.jkvm.firmware.cpu.CpuidPolicy;
import io.jkvm.firmware.tables.AcpiConfig;
import io.jkvm.machine.report.MachineException;
import io.jkvm.machine.report.Problem;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What {@link MachineSpec} refuses, before anything is opened. */
final class SpecChecks {
  private static final long PAGE_BYTES = 4096;

  private SpecChecks() {}

  /**
   * The part, if there is one.
   *
   * @param what it is, for the message
   */
  static <T> T whole(T part, String what) {
    if (part == null) {
      throw new MachineException(Problem.INCOMPLETE, what + " is missing: it is null");
    }
    return part;
  }

  /**
   * A copy of the list, if there is one and all of it is there.
   *
   * @param what an element is, for the message
   */
  static <T> List<T> wholeList(List<T> list, String what) {
    whole(list, "a list, each of it " + what + ",");
    for (T element : list) {
      whole(element, what);
    }
    return List.copyOf(list);
  }

  static void name(String name) {
    if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
      throw new MachineException(
          Problem.NAME, "'" + name + "' is not a name of 1 to 64 letters, digits and . _ -");
    }
  }

  static void memory(long bytes) {
    if (bytes < MachineSpec.MIN_MEMORY_BYTES) {
      throw new MachineException(
          Problem.MEMORY_SIZE,
          bytes + " bytes of memory are too few for Linux, which needs 64 MiB");
    }
    if (bytes % PAGE_BYTES != 0) {
      throw new MachineException(
          Problem.MEMORY_SIZE, bytes + " bytes of memory are not a whole number of 4 KiB pages");
    }
  }

  static void cpus(int cpus) {
    if (cpus < 1 || cpus > MachineSpec.MAX_CPUS) {
      throw new MachineException(
          Problem.CPU_COUNT,
          cpus + " is not a number of processors from 1 to " + MachineSpec.MAX_CPUS);
    }
  }

  static void commandLine(String text) {
    if (text.indexOf('\0') >= 0) {
      throw new MachineException(
          Problem.COMMAND_LINE_HAS_NUL, "the kernel's command line has a NUL in it");
    }
  }

  static void cpuFeatures(List<CpuFeatureChange> changes) {
    try {
      CpuidPolicy.of(
          HostCapabilities.COMPLETE, changes.stream().map(CpuFeatureChange::toString).toList());
    } catch (IllegalArgumentException e) {
      throw new MachineException(Problem.CPU_FEATURE, e.getMessage(), e);
    }
  }

  static void disks(List<DiskSpec> disks) {
    Set<String> ids = new HashSet<>();
    Map<Path, DiskSpec> images = new HashMap<>();
    for (DiskSpec disk : disks) {
      String id = disk.id();
      if (id.isEmpty() && disk.source() instanceof DiskSpec.Source.Custom custom) {
        id = custom.name();
      }
      if (!id.isEmpty() && !ids.add(id)) {
        throw new MachineException(Problem.DISK_ID_TWICE, "two disks have the id '" + id + "'");
      }
      if (disk.source() instanceof DiskSpec.Source.RawFile file) {
        DiskSpec other = images.put(file.path().toAbsolutePath().normalize(), disk);
        if (other != null && !(other.readOnly() && disk.readOnly())) {
          throw new MachineException(
              Problem.DISK_TWICE, file.path() + " is given as two disks, and the guest may write");
        }
      }
    }
  }

  static void cards(List<CardSpec> cards) {
    Set<Object> seen = new HashSet<>();
    for (CardSpec card : cards) {
      card.capture()
          .map(file -> file.toAbsolutePath().normalize())
          .ifPresent(file -> once(seen.add(file), "the capture file " + file));
      once(seen.add(card.mac()), "the address " + card.mac());
      if (card.network() instanceof NetworkSpec.Tap tap) {
        once(seen.add(tap.name()), "the tap " + tap.name());
      }
      if (card.network() instanceof NetworkSpec.User user) {
        for (PublishedPort port : user.published()) {
          String one = port.hostPort() + "/" + port.protocol().name().toLowerCase(Locale.ROOT);
          if (!seen.add("host port " + one)) {
            throw new MachineException(
                Problem.PUBLISHED_PORT, "host port " + one + " is published by two cards");
          }
        }
      }
      if (card.network() instanceof NetworkSpec.Listen listen) {
        Path socket = listen.socket().toAbsolutePath().normalize();
        once(seen.add(socket), "the socket " + socket);
      }
    }
  }

  static void shares(List<ShareSpec> shares) {
    Set<String> tags = new HashSet<>();
    for (ShareSpec share : shares) {
      if (!tags.add(share.tag())) {
        throw new MachineException(
            Problem.SHARE_TWICE, "two shares have the tag '" + share.tag() + "'");
      }
    }
  }

  static void pciDevices(int count) {
    int slots = PciBus.DEVICE_COUNT - 1;
    if (count > slots) {
      throw new MachineException(
          Problem.TOO_MANY_DEVICES,
          count
              + " virtio devices do not fit on the PCI bus, which has "
              + slots
              + " slots for them");
    }
  }

  static void mmioDevices(int count) {
    if (count > AcpiConfig.MAX_VIRTIO_MMIO) {
      throw new MachineException(
          Problem.TOO_MANY_DEVICES,
          count
              + " virtio devices are more than can be told of without a bus, which are "
              + AcpiConfig.MAX_VIRTIO_MMIO);
    }
  }

  private static void once(boolean first, String what) {
    if (!first) {
      throw new MachineException(Problem.CARD_TWICE, what + " is given for two cards");
    }
  }
}
