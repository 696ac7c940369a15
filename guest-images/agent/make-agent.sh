#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-agent.sh OUTPUT: compiles the agent. Without a C library, and without what a compiler adds of
# its own: position independence, stack guards, a unwinder's tables.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec gcc -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie -no-pie -static -nostdlib \
  -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fwrapv -Wl,--build-id=none \
  -Wl,-z,noexecstack -s -o "$1" "$here"/*.c
