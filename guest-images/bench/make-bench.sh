#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-bench.sh OUTPUT: compiles the benchmark's guest, an ELF file with a PVH entry. For any
# x86-64 processor: what ring 3 may use beyond SSE2 differs between hypervisors.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec gcc -std=gnu11 -O3 -march=x86-64 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie -no-pie \
  -static -nostdlib -fcf-protection=none -mno-red-zone -fno-asynchronous-unwind-tables \
  -fno-tree-loop-distribute-patterns -fno-strict-aliasing -fwrapv -Wl,--build-id=none -Wl,-z,noexecstack \
  -Wl,--no-warn-rwx-segments -Wl,-z,max-page-size=4096 -s -T "$here/link.ld" -o "$1" "$here"/*.S "$here"/*.c
