// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.legacy;

import static org.junit.jupiter.api.Assertions.assertTimeout;

import io.jkvm.core.bus.IoBus;
import io.jkvm.devices.clock.CmosRtc;
import io.jkvm.devices.serial.TestSink;
import io.jkvm.devices.serial.Uart16550;
import io.jkvm.devices.testing.RecordingIrq;
import java.time.Clock;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hostile guest: any access in any order must give some value and never throw. */
class LegacyFuzzTest {
  private static final int ACCESSES = 300_000;
  private static final int[] PORTS = {
    0x60, 0x64, 0x70, 0x71, 0x80, 0x92, 0xcf9, 0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe,
    0x3ff
  };

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void anyAccess(long seed) {
    Random random = new Random(seed);
    TestSink sink = new TestSink();
    Uart16550 uart = new Uart16550(new RecordingIrq(), sink);
    I8042 controller = new I8042(new RecordingIrq(), () -> {});
    try (CmosRtc rtc = new CmosRtc("m", Clock.systemUTC(), 1L << 30, 0, new RecordingIrq())) {
      IoBus bus =
          IoBus.builder()
              .map(Uart16550.COM1_PORT, Uart16550.PORT_COUNT, "COM1", uart)
              .map(I8042.DATA_PORT, 1, "i8042 data", controller.dataPort())
              .map(I8042.COMMAND_PORT, 1, "i8042 command", controller.commandPort())
              .map(CmosRtc.PORT, CmosRtc.PORT_COUNT, "CMOS", rtc)
              .map(PostCode.PORT, 1, "POST code", new PostCode())
              .map(ResetPort.SYSTEM_CONTROL_A, 1, "port A", ResetPort.systemControlA(() -> {}))
              .map(ResetPort.RESET_CONTROL, 1, "reset", ResetPort.resetControl(() -> {}))
              .build();
      assertTimeout(
          Duration.ofSeconds(60),
          () -> {
            for (int i = 0; i < ACCESSES; i++) {
              access(random, bus);
              host(random, uart, sink);
            }
          },
          "seed " + seed);
    }
  }

  private static void access(Random random, IoBus bus) {
    int port = PORTS[random.nextInt(PORTS.length)];
    int size = 1 << (random.nextInt(4) == 0 ? random.nextInt(4) : 0);
    if (random.nextBoolean()) {
      bus.read(port, size);
    } else {
      bus.write(port, size, random.nextLong());
    }
  }

  private static void host(Random random, Uart16550 uart, TestSink sink) {
    switch (random.nextInt(16)) {
      case 0 -> uart.receive(new byte[32], 0, random.nextInt(33));
      case 1 -> uart.receiveBreak();
      case 2 -> sink.setRoom(random.nextBoolean());
      case 3 -> uart.pause();
      case 4, 5 -> uart.resume();
      default -> {}
    }
  }
}
