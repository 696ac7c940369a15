// SPDX-License-Identifier: Apache-2.0
package io.jkvm.launcher;

import io.jkvm.core.lifecycle.StopReason;
import io.jkvm.devices.serial.SerialSink;
import java.nio.charset.StandardCharsets;

/**
 * Watches the console for Linux's "Kernel panic - not syncing" so that the reset which follows
 * (panic=-1) is called by its name. Costs a comparison for each byte.
 *
 * <p>A user program can print the same words; it gets the wrong name for its reset, nothing else.
 */
final class PanicWatch implements SerialSink {
  private static final byte[] MARK =
      "Kernel panic - not syncing".getBytes(StandardCharsets.US_ASCII);

  /** A panic prints little between its message and the reset; more means that life went on. */
  private static final int FORGET_AFTER_BYTES = 32 << 10;

  private static final int MAX_MESSAGE_BYTES = 200;

  private final SerialSink sink;
  private final byte[] message = new byte[MAX_MESSAGE_BYTES];

  // Guarded by this.
  private int matched;
  private int messageBytes;
  private boolean inMessage;
  private int bytesSince;
  private boolean seen;

  PanicWatch(SerialSink sink) {
    this.sink = sink;
  }

  @Override
  public boolean accept(byte value) {
    watch(value);
    return sink.accept(value);
  }

  @Override
  public boolean hasRoom() {
    return sink.hasRoom();
  }

  @Override
  public void addRoomListener(Runnable listener) {
    sink.addRoomListener(listener);
  }

  @Override
  public void removeRoomListener(Runnable listener) {
    sink.removeRoomListener(listener);
  }

  private synchronized void watch(byte value) {
    if (inMessage) {
      if (value == '\r' || value == '\n' || messageBytes == MAX_MESSAGE_BYTES) {
        inMessage = false;
      } else {
        message[messageBytes++] = value;
      }
    } else if (value == MARK[matched]) {
      if (++matched == MARK.length) {
        matched = 0;
        seen = true;
        inMessage = true;
        messageBytes = 0;
        bytesSince = 0;
      }
    } else {
      // No proper prefix of the mark begins again inside it, but for its first letter.
      matched = value == MARK[0] ? 1 : 0;
    }
    if (seen && ++bytesSince > FORGET_AFTER_BYTES) {
      seen = false;
    }
  }

  /** The reason itself, or a panic where the guest reset just after one. */
  synchronized StopReason refine(StopReason reason) {
    boolean reset =
        reason.kind() == StopReason.Kind.GUEST_RESET
            || reason.kind() == StopReason.Kind.TRIPLE_FAULT;
    if (!seen || !reset) {
      return reason;
    }
    String text = new String(message, 0, messageBytes, StandardCharsets.UTF_8);
    return new StopReason(
        StopReason.Kind.GUEST_PANIC, text.replaceFirst("^[: ]+", "").replaceAll("\\p{Cntrl}", "?"));
  }
}
