#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Regenerates the mini BIOS image that is committed as a resource of the firmware module.
# Needed only after a change of src/main/asm/bios; MiniBiosTest fails when it was forgotten.
set -eu
cd "$(dirname "$0")"

if ! command -v nasm >/dev/null 2>&1; then
  echo "assemble.sh: nasm is missing; install it: sudo apt-get install nasm" >&2
  exit 3
fi

image=src/main/resources/io/jkvm/firmware/bios/bios.bin
temporary="$image.tmp.$$"
trap 'rm -f "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$(dirname "$image")"
nasm -f bin -Werror -i src/main/asm/bios/ -o "$temporary" src/main/asm/bios/bios.asm
mv "$temporary" "$image"
echo "assemble.sh: wrote firmware/$image"
