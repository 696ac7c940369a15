// SPDX-License-Identifier: Apache-2.0
package io.jkvm.core.lifecycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.lifecycle.CloseStack.Layer;
import io.jkvm.core.lifecycle.CloseStack.StillInUse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class CloseStackTest {
  private final List<String> closed = Collections.synchronizedList(new ArrayList<>());
  private final CloseStack stack = new CloseStack("test", 50, 200);
  private final CountDownLatch end = new CountDownLatch(1);

  @AfterEach
  void endWhatHangs() {
    end.countDown();
  }

  private void push(Layer layer, String name) {
    stack.push(layer, () -> closed.add(name));
  }

  private void pushOneOfEach() {
    for (Layer layer : Layer.values()) {
      push(layer, layer.name());
    }
  }

  private void pushStuck(Layer layer) {
    stack.push(
        layer,
        () -> {
          throw new StillInUse("expected by this test");
        });
  }

  @Test
  void layersCloseInTheirOrderWhateverTheOrderOfPush() {
    List<String> expected = new ArrayList<>();
    for (Layer layer : Layer.values()) {
      expected.add(layer + " second");
      expected.add(layer + " first");
    }
    List<Layer> layers = new ArrayList<>(List.of(Layer.values()));
    Collections.reverse(layers);
    Collections.swap(layers, 1, 5);
    // Flushes run at once, so their order is nobody's business.
    layers.remove(Layer.FLUSHES);
    expected.removeIf(name -> name.startsWith("FLUSHES"));
    layers.forEach(layer -> push(layer, layer + " first"));
    layers.forEach(layer -> push(layer, layer + " second"));
    stack.close();
    stack.close();
    assertEquals(expected, closed);
    assertEquals(List.of(), stack.failures());
  }

  @Test
  void aFailureIsRememberedAndTheOthersGoOn() {
    IOException full = new IOException("expected by this test");
    pushOneOfEach();
    stack.push(
        Layer.FLUSHES,
        () -> {
          throw full;
        });
    stack.push(
        Layer.VM,
        () -> {
          throw new AssertionError("expected by this test");
        });
    stack.close();
    assertEquals(Layer.values().length, closed.size());
    assertEquals(full, stack.failures().get(0));
    assertInstanceOf(AssertionError.class, stack.failures().get(1).getCause());
  }

  @Test
  void whatAStuckThreadMayTouchStaysOpenAndAllElseIsClosed() {
    pushOneOfEach();
    push(Layer.FLUSHES, "another flush");
    pushStuck(Layer.DEVICES);
    pushStuck(Layer.NETWORKS);
    stack.close();
    assertEquals(
        List.of("DEVICES", "FLUSHES", "HOST", "NETWORKS", "another flush"),
        closed.stream().sorted().toList());
    assertEquals(2, stack.failures().size());
    stack.close();
    assertEquals(5, closed.size(), "what stays open stays open");
  }

  @Test
  void aVcpuThatDidNotEndKeepsTheMemoryAndStillTheDisksAreFlushed() {
    pushOneOfEach();
    stack.keepForThread("vCPU 1");
    stack.close();
    assertEquals(List.of("NETWORKS", "DEVICES", "FLUSHES", "HOST"), closed);
    assertEquals("vCPU 1 did not end", stack.failures().get(0).getMessage());
  }

  @Test
  void aFlushThatHangsDoesNotHoldUpTheOthers() {
    push(Layer.FLUSHES, "before");
    stack.push(Layer.FLUSHES, end::await);
    push(Layer.FLUSHES, "after");
    push(Layer.MEMORY, "memory");
    push(Layer.DISKS, "disks");
    pushStuck(Layer.DEVICES);
    stack.close();
    assertEquals(List.of("after", "before"), closed.stream().sorted().toList());
    assertEquals(2, stack.failures().size());
  }

  @Test
  void aCloseThatHangsNextToAStuckThreadIsGivenUp() {
    push(Layer.DEVICES, "first");
    stack.push(Layer.DEVICES, end::await);
    pushStuck(Layer.DEVICES);
    push(Layer.FLUSHES, "flush");
    stack.close();
    assertEquals(List.of("first", "flush"), closed);
    assertTrue(stack.failures().get(1).getMessage().endsWith("did not close in time"));
  }

  @Test
  void withoutLayersWhatLiesUnderAResourceInUseStaysOpen() {
    stack.push(() -> closed.add("memory"));
    stack.push(
        () -> {
          throw new StillInUse("expected by this test");
        });
    stack.push(() -> closed.add("above"));
    stack.close();
    stack.close();
    assertEquals(List.of("above"), closed);
  }
}
