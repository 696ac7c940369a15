// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.p9;

import io.jkvm.devices.files.FileTree;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;

/** A tree of which a test hears each call. */
final class WatchedTree {
  private WatchedTree() {}

  /**
   * A tree that passes its calls on.
   *
   * @param before gets the method's name; what it throws, the call throws
   */
  static FileTree of(FileTree tree, Consumer<String> before) {
    return (FileTree)
        Proxy.newProxyInstance(
            FileTree.class.getClassLoader(),
            new Class<?>[] {FileTree.class},
            (proxy, method, arguments) -> {
              before.accept(method.getName());
              try {
                return method.invoke(tree, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
