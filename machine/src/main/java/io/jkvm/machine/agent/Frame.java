// SPDX-License-Identifier: Apache-2.0
package io.jkvm.machine.agent;

/** Numbers of the protocol: docs/agent-protocol.md, "Frames". */
final class Frame {
  static final int HEADER_BYTES = 8;
  static final int MAX_PAYLOAD_BYTES = 65_536;

  /** The first number of bytes that a stream's receiver takes. */
  static final int WINDOW_BYTES = 262_144;

  static final int MAX_STRINGS_BYTES = 4 << 20;
  static final int MAX_TASKS = 64;
  static final int MAX_TASK = 65_535;
  static final int VERSION = 1;
  static final int MAX_TEXT_BYTES = 1024;

  /** A feature of the agent's: it knows MOUNT. */
  static final int FEATURE_MOUNT = 1;

  /** "jkvm-agt", as the little-endian number that its bytes are. */
  static final long MAGIC = 0x7467612d6d766b6aL;

  static final int STDIN = 0;
  static final int STDOUT = 1;
  static final int STDERR = 2;

  // From the host.
  static final int HELLO = 1;
  static final int EXEC = 2;
  static final int STRINGS = 3;
  static final int DATA = 4;
  static final int EOF = 5;
  static final int CREDIT = 6;
  static final int CLOSE = 7;
  static final int SIGNAL = 8;
  static final int RESIZE = 9;
  static final int READ = 10;
  static final int WRITE = 11;
  static final int TIME = 12;
  static final int SYNC = 13;
  static final int POWER = 14;
  static final int ROOT = 15;
  static final int PING = 16;
  static final int MOUNT = 17;

  // From the agent.
  static final int AGENT_HELLO = 65;
  static final int AGENT_STARTED = 66;
  static final int AGENT_DATA = 67;
  static final int AGENT_EOF = 68;
  static final int AGENT_CREDIT = 69;
  static final int AGENT_ENDED = 70;
  static final int AGENT_DONE = 71;
  static final int AGENT_PONG = 72;
  static final int AGENT_LOG = 73;

  private Frame() {}
}
