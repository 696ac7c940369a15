#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-vectors.sh OUTPUT: compiles vectors.c. Without vector instructions of the compiler's own, as
# they would use the registers that are looked at.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
exec gcc -O1 -Wall -Wextra -Werror -ffreestanding -fno-stack-protector -fno-pie -no-pie -static -nostdlib \
  -mno-avx -fno-tree-loop-distribute-patterns -Wl,--build-id=none -Wl,-z,noexecstack -s \
  -o "$1" "$here/vectors.c"
