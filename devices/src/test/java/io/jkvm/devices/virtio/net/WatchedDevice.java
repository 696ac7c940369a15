// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import io.jkvm.devices.virtio.VirtioDevice;
import io.jkvm.devices.virtio.queue.ActiveQueue;
import io.jkvm.devices.virtio.queue.HandlerAccess;
import io.jkvm.devices.virtio.queue.RequestHandler;
import io.jkvm.devices.virtio.queue.SequentialService;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/**
 * Keeps what a device throws by mistake. To a driver it is the same as a broken request of its own,
 * and the transport logs only the first of many.
 */
final class WatchedDevice implements InvocationHandler {
  private final VirtioDevice device;
  private volatile Throwable mistake;

  WatchedDevice(VirtioDevice device) {
    this.device = device;
  }

  /** The device for a transport. */
  VirtioDevice proxy() {
    Class<?>[] types = {VirtioDevice.class};
    return (VirtioDevice) Proxy.newProxyInstance(getClass().getClassLoader(), types, this);
  }

  @Override
  public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
    try {
      Object result = method.invoke(device, arguments);
      return result instanceof SequentialService service
          ? new SequentialService((ActiveQueue) arguments[1], watched(HandlerAccess.of(service)))
          : result;
    } catch (InvocationTargetException e) {
      Throwable cause = e.getCause();
      if (cause instanceof RuntimeException || cause instanceof Error) {
        mistake = cause;
      }
      throw cause;
    }
  }

  private RequestHandler watched(RequestHandler handler) {
    return request -> {
      try {
        return handler.process(request);
      } catch (RuntimeException | Error e) {
        mistake = e;
        throw e;
      }
    };
  }

  void assertNoMistakes() {
    if (mistake != null) {
      throw new AssertionError("the device made a mistake", mistake);
    }
  }
}
