// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.virtio.block;

import static io.jkvm.devices.virtio.block.VirtioBlock.F_CONFIG_WCE;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_DISCARD;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_FLUSH;
import static io.jkvm.devices.virtio.block.VirtioBlock.F_WRITE_ZEROES;

import io.jkvm.core.linux.IoVector;
import io.jkvm.core.memory.GuestFault;
import io.jkvm.devices.storage.BlockBackend;
import io.jkvm.devices.virtio.queue.DescriptorChain;
import io.jkvm.devices.virtio.queue.RequestHandler;
import java.io.IOException;

/** Carries out the requests of one request queue (virtio 1.2, section 5.2.6). */
final class BlockQueue implements RequestHandler {
  private final VirtioBlock device;
  private final BlockBackend backend;
  private final BlockConfig config;
  private final long features;
  private final BlockRequest parsed;
  private final IoVector vector = new IoVector(VirtioBlock.QUEUE_SIZE);

  BlockQueue(VirtioBlock device, BlockConfig config, long features) {
    this.device = device;
    this.config = config;
    this.features = features;
    backend = device.backend();
    parsed = new BlockRequest(backend);
  }

  @Override
  public long process(DescriptorChain request) throws GuestFault {
    int status = parsed.parse(request);
    if (status == BlockRequest.STATUS_OK) {
      status = carryOut(request);
    }
    request.writeLastByte(status);
    // The length counts what was surely written from the first writable byte on (section 2.7.8.2).
    return status == BlockRequest.STATUS_OK || request.writableBytes() == 1
        ? request.writableBytes()
        : 0;
  }

  private int carryOut(DescriptorChain request) throws GuestFault {
    try {
      switch (parsed.type()) {
        case BlockRequest.TYPE_IN:
          parsed.collectIn(vector);
          backend.read(vector, parsed.offsetBytes());
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_OUT:
          parsed.collectOut(vector);
          backend.write(vector, parsed.offsetBytes());
          break;
        case BlockRequest.TYPE_FLUSH:
          backend.flush();
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_GET_ID:
          request.write(0, device.id(), BlockRequest.ID_BYTES);
          return BlockRequest.STATUS_OK;
        case BlockRequest.TYPE_DISCARD:
          if ((features & F_DISCARD) == 0) {
            return BlockRequest.STATUS_UNSUPPORTED;
          }
          discard();
          break;
        default:
          if ((features & F_WRITE_ZEROES) == 0) {
            return BlockRequest.STATUS_UNSUPPORTED;
          }
          writeZeroes();
          break;
      }
      if (!writeback()) {
        backend.flush();
      }
      return BlockRequest.STATUS_OK;
    } catch (GuestFault e) {
      throw e;
    } catch (Exception | Error e) {
      // A driver that gets no answer waits for ever, whatever is wrong with the backend.
      device.logError(e);
      return BlockRequest.STATUS_IO_ERROR;
    }
  }

  /** Section 5.2.6.2: without a flush command every write has to be durable when it is answered. */
  private boolean writeback() {
    return (features & F_CONFIG_WCE) != 0 ? config.writeback() : (features & F_FLUSH) != 0;
  }

  private void discard() throws IOException {
    for (int i = 0; i < parsed.segments(); i++) {
      if (parsed.segmentBytes(i) > 0) {
        backend.discard(parsed.segmentOffsetBytes(i), parsed.segmentBytes(i));
      }
    }
  }

  private void writeZeroes() throws IOException {
    for (int i = 0; i < parsed.segments(); i++) {
      if (parsed.segmentBytes(i) > 0) {
        backend.writeZeroes(
            parsed.segmentOffsetBytes(i), parsed.segmentBytes(i), parsed.segmentUnmap(i));
      }
    }
  }
}
