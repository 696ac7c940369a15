// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.files.host;

import static io.jkvm.devices.files.host.HostShare.ROOT;
import static io.jkvm.devices.files.host.HostShare.name;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.Errno;
import io.jkvm.devices.files.AttributeChange;
import io.jkvm.devices.files.Caller;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.OpenFlags;
import io.jkvm.devices.files.OpenResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several threads do whatever a guest may think of; afterwards nothing is left of it. */
@Timeout(600)
class HostThreadsTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 6000;
  private static final int NAMES = 5;

  /** What else than success may come of requests for what is there only sometimes. */
  private static final Set<Integer> EXPECTED =
      Set.of(
          0,
          -Errno.ENOENT,
          -Errno.EEXIST,
          -Errno.ENOTDIR,
          -Errno.EISDIR,
          -Errno.ENOTEMPTY,
          -Errno.ESTALE,
          -Errno.EPERM,
          -Errno.EINVAL);

  @TempDir Path path;

  @Test
  void nothingIsLeft() throws Exception {
    try (HostShare share = new HostShare(path, 10_000, 3)) {
      long before = share.descriptors();
      AtomicLong done = new AtomicLong();
      List<FutureTask<Void>> tasks = new ArrayList<>();
      List<Guest> guests = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Guest guest = new Guest(share, i, done);
        guests.add(guest);
        FutureTask<Void> task =
            new FutureTask<>(
                () -> {
                  for (int round = 0; round < ROUNDS; round++) {
                    guest.request();
                  }
                  return null;
                });
        tasks.add(task);
        new Thread(task, "guest-" + i).start();
      }
      for (FutureTask<Void> task : tasks) {
        task.get();
      }
      assertTrue(done.get() > ROUNDS / 10, done + " requests did something");
      assertTrue(share.tree.openHandles() <= 3 + 1);
      // Each reference was counted once.
      guests.forEach(guest -> guest.nodes.forEach(node -> share.tree.forget(node, 1)));
      assertEquals(1, share.tree.knownNodes());
      assertEquals(1, share.tree.openHandles());
      assertEquals(before, share.descriptors());
    }
  }

  private static final class Guest {
    private final HostShare share;
    private final Random random;
    private final AtomicLong done;
    private final Caller caller = new Caller();
    private final FileAttributes entry = new FileAttributes();
    private final OpenResult result = new OpenResult();
    private final AttributeChange change = new AttributeChange();
    private final List<Long> nodes = new ArrayList<>(List.of(ROOT));

    Guest(HostShare share, int seed, AtomicLong done) {
      this.share = share;
      this.done = done;
      random = new Random(seed);
    }

    private long node() {
      return nodes.get(random.nextInt(nodes.size()));
    }

    private String any() {
      return "n" + random.nextInt(NAMES);
    }

    private void known(int error) {
      if (error == 0) {
        nodes.add(entry.node);
      }
    }

    void request() {
      int error = any(random.nextInt(13));
      assertTrue(EXPECTED.contains(error), Errno.name(-error));
      if (error == 0) {
        done.incrementAndGet();
      }
      while (nodes.size() > 50) {
        share.tree.forget(nodes.remove(1 + random.nextInt(nodes.size() - 1)), 1);
      }
    }

    private int any(int kind) {
      int error = 0;
      switch (kind) {
        case 0, 1, 2:
          error = share.tree.lookup(node(), name(any()), entry);
          known(error);
          break;
        case 3:
          error = share.tree.makeDirectory(caller, node(), name(any()), 0755, entry);
          known(error);
          break;
        case 4:
          error = share.tree.makeNode(caller, node(), name(any()), 0100644, 0, entry);
          known(error);
          break;
        case 5:
          error = share.tree.link(node(), node(), name(any()), entry);
          known(error);
          break;
        case 6:
          error = share.tree.unlink(node(), name(any()));
          break;
        case 7:
          error = share.tree.removeDirectory(node(), name(any()));
          break;
        case 8:
          int flags = random.nextInt(3);
          error = share.tree.rename(node(), name(any()), node(), name(any()), flags);
          break;
        case 9:
          error = create();
          break;
        case 10:
          change.fields = AttributeChange.MODIFICATION_NOW;
          error = share.tree.change(caller, node(), null, change, entry);
          break;
        case 11:
          error = share.tree.openDirectory(node(), result);
          if (error == 0) {
            result.takeDirectory().close();
          }
          break;
        default:
          error = share.tree.attributes(node(), entry);
          break;
      }
      return error;
    }

    private int create() {
      int error =
          share.tree.create(caller, node(), name(any()), 0644, OpenFlags.READ_WRITE, entry, result);
      known(error);
      if (error == 0) {
        result.takeFile().close();
      }
      return error;
    }
  }
}
