/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of docs/agent-protocol.md. */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#define PROTOCOL_VERSION 1
#define FEATURE_MOUNT 1u
#define VSOCK_PORT 1024
#define CONSOLE_PORT "io.jkvm.agent"

#define FRAME_HEADER 8
#define FRAME_BYTES 65536u
#define TEXT_BYTES 1024u
#define STRINGS_BYTES (4u << 20)
#define WINDOW 262144u
#define WINDOW_LIMIT 0x7fffffffu
#define TASKS 64

enum frame_type {
	/* from the host */
	HELLO = 1,
	EXEC = 2,
	STRINGS = 3,
	DATA = 4,
	END_OF_DATA = 5,
	CREDIT = 6,
	CLOSE = 7,
	SIGNAL = 8,
	RESIZE = 9,
	READ = 10,
	WRITE = 11,
	TIME = 12,
	SYNC = 13,
	POWER = 14,
	ROOT = 15,
	PING = 16,
	MOUNT = 17,
	/* from the agent */
	AGENT_HELLO = 65,
	AGENT_STARTED = 66,
	AGENT_DATA = 67,
	AGENT_END_OF_DATA = 68,
	AGENT_CREDIT = 69,
	AGENT_ENDED = 70,
	AGENT_DONE = 71,
	AGENT_PONG = 72,
	AGENT_LOG = 73,
};

/* EXEC's flags */
#define EXEC_TERMINAL 1u
#define EXEC_INPUT 2u
#define EXEC_ONE_OUTPUT 4u

/* ENDED's "how" and flags */
enum how {
	HOW_EXITED = 0,
	HOW_SIGNAL = 1,
	HOW_NO_COMMAND = 2,
	HOW_NOT_EXECUTABLE = 3,
	HOW_FAILED = 4,
};
#define ENDED_KILLED_REST 1u
#define ENDED_NO_MEMORY 2u
#define ENDED_TAINT_SHIFT 8

#define ROOT_OVERLAY 1u

#endif
