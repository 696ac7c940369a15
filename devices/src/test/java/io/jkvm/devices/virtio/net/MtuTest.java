// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.net;

import static io.jkvm.devices.virtio.net.NetFixture.asFrame;
import static io.jkvm.devices.virtio.net.NetFixture.frame;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.network.frame.Frame;
import io.jkvm.devices.network.frame.VnetHeader;
import java.util.OptionalInt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames for a driver that was told of the largest packet (virtio 1.2, section 5.1.4.1). */
@Timeout(300)
class MtuTest {
  private static final int MTU = 1400;
  private static final int[] TAGS = {0x88a8, 0x8100, 0x8100};

  private NetFixture guest;

  @BeforeEach
  void start() throws Exception {
    guest = new NetFixture(new RecordingNetwork(), OptionalInt.of(MTU));
    start(0);
  }

  @AfterEach
  void close() {
    guest.close();
  }

  private void start(long without) throws GuestFault {
    guest.startWithout(without);
    guest.giveBuffers(60, 4096);
  }

  private static Frame tagged(int packetBytes, int tags) {
    byte[] frame = frame(14 + 4 * tags + packetBytes, 1);
    System.arraycopy(frame, 12, frame, 12 + 4 * tags, 2);
    for (int i = 0; i < tags; i++) {
      frame[12 + 4 * i] = (byte) (TAGS[i] >>> 8);
      frame[13 + 4 * i] = (byte) TAGS[i];
    }
    return asFrame(frame);
  }

  private static Frame toBeCut(int length) {
    Frame frame = asFrame(frame(length, 2));
    frame.header().needChecksum(34, 16);
    frame.header().segment(VnetHeader.GSO_TCPV4, 54, MTU - 40);
    return frame;
  }

  private void assertGot(Frame frame) throws GuestFault {
    int before = guest.rx.usedIndex();
    assertTrue(guest.card.receive(0, frame));
    assertEquals(before + 1, guest.rx.usedIndex());
    assertEquals(NetFixture.HEADER + frame.length(), guest.rx.usedLength(before));
  }

  private void assertDropped(Frame frame) throws GuestFault {
    int before = guest.rx.usedIndex();
    long dropped = guest.card.statistics().receiveDropped();
    assertTrue(guest.card.receive(0, frame), "trying again is of no use");
    assertEquals(before, guest.rx.usedIndex());
    assertEquals(dropped + 1, guest.card.statistics().receiveDropped());
  }

  @Test
  void thePacketCountsAndNotItsEthernetHeader() throws Exception {
    assertGot(tagged(MTU, 0));
    assertDropped(tagged(MTU + 1, 0));
    assertDropped(tagged(MTU + 4, 0));
    assertDropped(tagged(4000, 0));
    assertGot(tagged(MTU, 0));
  }

  @Test
  void upToTwoTagsDoNotCount() throws Exception {
    assertGot(tagged(MTU, 1));
    assertDropped(tagged(MTU + 1, 1));
    assertGot(tagged(MTU, 2));
    assertDropped(tagged(MTU + 1, 2));
    assertDropped(tagged(MTU, 3));
    assertGot(tagged(MTU - 4, 3));
  }

  @Test
  void aFrameThatIsToBeCutIsTakenWhole() throws Exception {
    assertGot(toBeCut(4000));
  }

  @Test
  void aFrameWithoutItsChecksumIsNoException() throws Exception {
    Frame frame = tagged(MTU + 1, 0);
    frame.header().needChecksum(34, 16);
    assertDropped(frame);
  }

  @Test
  void aDriverThatWasNotToldGetsEverything() throws Exception {
    start(NetFeatures.MTU);
    assertGot(tagged(MTU + 1, 0));
    assertGot(tagged(4000, 2));
    assertGot(toBeCut(4000));
  }
}
