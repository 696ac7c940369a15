// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.LoggerFactory;

/**
 * Resources closed in the reverse of the order in which they came into being. One that fails to
 * close does not keep the others open.
 */
public final class CloseStack implements AutoCloseable {
  /** Thrown by a resource that a thread still uses: what came before it must stay open. */
  public static final class StillInUse extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public StillInUse(String message) {
      super(message);
    }
  }

  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  /** Takes charge of a resource and returns it. */
  public <T extends AutoCloseable> T push(T resource) {
    resources.push(resource);
    return resource;
  }

  @Override
  public void close() {
    while (!resources.isEmpty()) {
      AutoCloseable resource = resources.pop();
      try {
        resource.close();
      } catch (StillInUse e) {
        // To unmap guest RAM under a request that still runs would end the whole process.
        LoggerFactory.getLogger(CloseStack.class)
            .error("{}; its machine's memory and files stay open", e.getMessage());
        resources.clear();
      } catch (Exception e) {
        LoggerFactory.getLogger(CloseStack.class).error("closing {}", resource, e);
      }
    }
  }
}
