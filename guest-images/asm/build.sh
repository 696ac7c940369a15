#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Assembles every guest of this folder: NAME.asm to OUTPUT/NAME.bin.
# usage: build.sh [OUTPUT]     (default: guest-images/build/asm)
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
output="${1:-$here/../build/asm}"

if ! command -v nasm >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "asm guests: installing nasm" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nasm >&2 || true
  fi
  if ! command -v nasm >/dev/null 2>&1; then
    echo "asm guests: nasm is missing; install it: sudo apt-get install nasm" >&2
    exit 3
  fi
fi

mkdir -p "$output"
temporary="$output/.asm.$$.tmp"
trap 'rm -f "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
count=0
for source in "$here"/*.asm; do
  name="$(basename "$source" .asm)"
  nasm -f bin -Werror -i "$here/" -o "$temporary" "$source"
  mv -f "$temporary" "$output/$name.bin"
  count=$((count + 1))
done
echo "asm guests: $count assembled in $output"
