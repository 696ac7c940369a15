// SPDX-License-Identifier: Apache-2.0
package io.jkvm.devices.storage.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jkvm.core.linux.EventFd;
import io.jkvm.core.linux.Libc;
import io.jkvm.core.linux.Mapping;
import io.jkvm.devices.storage.RawImage;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A file with an engine over it, memory for data, and what a queue's thread does. */
abstract class EngineFixture {
  static final int BLOCK = 4096;
  static final int BLOCKS = 1024;
  static final int MEMORY_BLOCKS = 256;

  private static final long FADVISE64 = 221;
  private static final int POSIX_FADV_DONTNEED = 4;

  @TempDir Path folder;

  final byte[] model = new byte[BLOCK * BLOCKS];
  Path path;
  EventFd wakeup;
  Mapping memory;
  ByteBuffer view;
  RawImage image;
  DiskEngine engine;

  @BeforeEach
  final void makeFile() throws Exception {
    for (int i = 0; i < model.length; i++) {
      model[i] = (byte) (i / BLOCK * 31 + i);
    }
    path = Files.write(folder.resolve("disk.img"), model);
    wakeup = new EventFd();
    memory = Mapping.anonymous((long) MEMORY_BLOCKS * BLOCK);
    view = memory.buffer(0, memory.length());
    image = openImage(false);
  }

  /** Opens the file as a test wants it. */
  RawImage openImage(boolean readOnly) throws Exception {
    return RawImage.open(path, readOnly);
  }

  final void open(DiskEngines.Kind kind) throws Exception {
    engine = new DiskEngines(kind).open(image, "test");
    assertEquals(kind, engine.kind());
    engine.attach(wakeup);
  }

  @AfterEach
  final void close() {
    if (engine != null) {
      engine.detach();
      engine.close();
    }
    if (image != null) {
      image.close();
    }
    memory.close();
    wakeup.close();
  }

  /** Drops the file from the page cache; what is dirty is written first. */
  final void makeCold() throws Exception {
    image.flush();
    assertEquals(
        0,
        Libc.syscall(FADVISE64, image.fd().value(), 0, 0, POSIX_FADV_DONTNEED, 0, 0),
        "posix_fadvise");
  }

  final DiskRequest read(int block, int blocks, int memoryBlock) {
    DiskRequest request = engine.acquire();
    request.read((long) block * BLOCK);
    addMemory(request, memoryBlock, blocks);
    return request;
  }

  final DiskRequest write(int block, int blocks, int memoryBlock) {
    DiskRequest request = engine.acquire();
    request.write((long) block * BLOCK);
    addMemory(request, memoryBlock, blocks);
    return request;
  }

  /** In two ranges, as a guest's memory is scattered. */
  private void addMemory(DiskRequest request, int memoryBlock, int blocks) {
    long address = memory.address() + (long) memoryBlock * BLOCK;
    request.data().add(address, 512);
    request.data().add(address + 512, (long) blocks * BLOCK - 512);
  }

  /** Submits and waits. */
  final DiskRequest carryOut(DiskRequest request) {
    if (!engine.submit(request)) {
      engine.start();
      assertEquals(request, await());
    }
    return request;
  }

  /** Sleeps until something is completed, as a queue's thread does. */
  final DiskRequest await() {
    while (true) {
      DiskRequest request = engine.complete();
      if (request != null) {
        return request;
      }
      engine.start();
      if (!engine.mayNotSleep()) {
        assertTrue(wakeup.await(120_000), "not woken");
      }
      engine.awake();
    }
  }

  final byte[] memoryAt(int memoryBlock, int blocks) {
    byte[] bytes = new byte[blocks * BLOCK];
    view.get(memoryBlock * BLOCK, bytes);
    return bytes;
  }
}
