// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.files.NativeName;
import io.jkvm.devices.files.FileAttributes;
import io.jkvm.devices.files.FileMode;
import io.jkvm.devices.files.FileTree;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlaceTreeTest {
  private static final int LIMIT = 4096;

  private final FileAttributes entry = new FileAttributes();
  private final NativeName name = new NativeName(NativeName.NAME_MAX);
  private final NativeName other = new NativeName(NativeName.NAME_MAX);
  private int forgotten;

  /** Counts what it is to forget, and can do nothing else. */
  private final FileTree tree =
      (FileTree)
          Proxy.newProxyInstance(
              FileTree.class.getClassLoader(),
              new Class<?>[] {FileTree.class},
              (proxy, method, arguments) -> {
                assertEquals("forget", method.getName());
                forgotten++;
                return null;
              });

  private final PlaceTree places = new PlaceTree(tree, new SessionRoom(tree), LIMIT);

  private static NativeName set(NativeName name, String text) {
    assertEquals(0, name.setComponent(text.getBytes(StandardCharsets.ISO_8859_1)));
    return name;
  }

  private Place root() {
    entry.inode = FileTree.ROOT;
    return places.root(entry);
  }

  private Place enter(Place directory, String text, long node) {
    entry.node = node;
    entry.inode = node;
    entry.mode = FileMode.DIRECTORY;
    return places.enter(directory, set(name, text), entry);
  }

  /** Names come, go and change as in a map. */
  @Test
  void aPlaceIsFoundByItsName() {
    Random random = new Random(1);
    Place root = root();
    Place[] directories = {root, enter(root, "a", 2), enter(root, "b", 3)};
    Map<String, Place> model = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      int directory = random.nextInt(3);
      int newDirectory = random.nextInt(3);
      String text = "x".repeat(random.nextInt(200)) + random.nextInt(100);
      String newText = "x".repeat(random.nextInt(200)) + random.nextInt(100);
      String key = directory + text;
      Place known = model.get(key);
      switch (random.nextInt(4)) {
        case 0:
          if (known != null) {
            assertSame(known, enter(directories[directory], text, known.node()));
            places.release(known);
          } else if (!places.isFull()) {
            model.put(key, enter(directories[directory], text, 10 + i));
          }
          break;
        case 1:
          places.removed(directories[directory], set(name, text));
          model.remove(key);
          if (known != null) {
            places.release(known);
          }
          break;
        case 2:
          places.renamed(
              directories[directory],
              set(name, text),
              directories[newDirectory],
              set(other, newText));
          Place replaced = known == null ? null : model.remove(newDirectory + newText);
          if (replaced != null && replaced != known) {
            places.release(replaced);
          }
          if (known == null) {
            // What has lost its name to something that no fid knew is held all the same.
            Place lost = model.remove(newDirectory + newText);
            if (lost != null) {
              places.release(lost);
            }
          } else {
            model.remove(key);
            if (known.attached) {
              model.put(newDirectory + newText, known);
            } else {
              places.release(known); // its longer name had no room
            }
          }
          break;
        default:
          if (known != null) {
            places.release(known);
            model.remove(key);
          }
          break;
      }
      assertEquals(3 + model.size(), places.size());
    }
    assertTrue(model.size() > 10);
    model.values().forEach(places::release);
    places.release(directories[1]);
    places.release(directories[2]);
    assertEquals(1, places.size());
  }

  /** The limit is one of memory. */
  @Test
  void longNamesAreFewer() {
    Place root = root();
    int count = 0;
    while (enter(root, "n".repeat(250) + count, 10 + count) != null) {
      count++;
    }
    assertTrue(count > LIMIT / 5 && count < LIMIT / 3, count + " places");
    assertTrue(places.isFull());
    assertEquals(1, forgotten, "the reference to what has no place");
    places.clear();
    root = root();
    for (int i = 0; i < LIMIT - 1; i++) {
      assertNotNull(enter(root, "name" + i, 10 + i));
    }
    assertNull(enter(root, "one more", 5));
    // A longer name has no room either: what gets it is forgotten with its fid.
    Place renamed = enter(root, "name0", 10);
    places.renamed(root, set(name, "name0"), root, set(other, "n".repeat(250)));
    assertFalse(renamed.attached);
    assertTrue(places.isFull());
    places.release(renamed);
    places.release(renamed);
    assertNotNull(enter(root, "one more", 5), "room for one");
    assertNull(enter(root, "another", 6));
  }

  @Test
  void aRenamedPlaceCountsByItsNewName() {
    Place root = root();
    Place place = enter(root, "n".repeat(250), 10);
    places.renamed(root, set(name, "n".repeat(250)), root, set(other, "short"));
    places.renamed(root, set(name, "short"), root, set(other, "n".repeat(200)));
    places.renamed(root, set(name, "n".repeat(200)), root, set(other, "short"));
    for (int i = 0; i < LIMIT - 2; i++) {
      assertNotNull(enter(root, "name" + i, 20 + i));
    }
    assertNull(enter(root, "one more", 5));
    places.release(place);
  }
}
