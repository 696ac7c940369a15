#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-fio.sh SOURCE FOLDER OUTPUT: a "newc" archive with fio alone, to be unpacked over the default
# guest's initramfs: a static program, built in FOLDER, without SysV shared memory, which that guest's
# kernel lacks. The distribution's own needs 80 MB of libraries.
set -eu
umask 022
source=$1 folder=$2 output=$3
echo "== unpacking"
tar -C "$folder" -xf "$source"
cd "$folder"/fio-*
echo "== configuring"
./configure --build-static --disable-shm --disable-native --disable-lex --disable-numa --disable-http \
  --disable-pmem --disable-libnfs --disable-rados --disable-rbd --disable-rdma --disable-gfapi
grep -q '^CONFIG_LIBAIO=y' config-host.mak || { echo "fio's configure did not find libaio" && exit 1; }
echo "== compiling"
make -s -j "$(nproc)" fio
strip fio
tree=$output.tree
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/usr/bin"
cp fio "$tree/usr/bin/"
# One date for all, and sorted: the same packages give the same archive.
(cd "$tree" && find . -mindepth 1 -exec touch -h -d @0 {} + && find . -mindepth 1 | sort |
  cpio -o -H newc --quiet --reproducible -R 0:0) >"$output"
