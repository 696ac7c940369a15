#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-network-tools.sh OUTPUT PROGRAM...: a "newc" archive with programs of this machine and the
# shared libraries that they ask for, to be unpacked over the default guest's initramfs.
set -eu
umask 022
output=$1
shift
tree=$output.tree
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/usr/bin"
for program in "$@"; do
  path=$(command -v "$program") || { echo "$program is not on the path $PATH" && exit 1; }
  cp -L "$path" "$tree/usr/bin/"
  # Each where the dynamic linker will look for it, and the linker itself.
  ldd "$path" | grep -oE '/[^ ]+' | while read -r library; do
    [ -e "$tree$library" ] || { mkdir -p "$tree${library%/*}" && cp -L "$library" "$tree$library"; }
  done
done
chmod -R a+rX,u+w "$tree"
# One date for all, and sorted: the same packages give the same archive.
(cd "$tree" && find . -mindepth 1 -exec touch -h -d @0 {} + && find . -mindepth 1 | sort |
  cpio -o -H newc --quiet --reproducible -R 0:0) >"$output"
