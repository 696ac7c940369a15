#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-stock.sh RELEASE FOLDER: a distribution's kernel as it is, and an initrd by its own
# initramfs-tools, without what this host's /etc/initramfs-tools may say. Needs no root rights.
set -eu
umask 022
release=$1 folder=$2
here=$(cd "$(dirname "$0")" && pwd)
export PATH="$PATH:/usr/sbin:/sbin" SOURCE_DATE_EPOCH=0

for file in "/boot/vmlinuz-$release" "/lib/modules/$release/modules.dep"; do
  [ -r "$file" ] || {
    echo "can't read $file; try: sudo apt-get install --reinstall linux-image-$release"
    exit 1
  }
done
conf=$folder/.conf
trap 'rm -rf "$conf"' EXIT
mkdir -p "$conf/conf.d" "$conf/hooks" "$conf/scripts"
cp "$here/initramfs.conf" "$here/modules" "$conf/"
TMPDIR=$folder mkinitramfs -d "$conf" -o "$folder/stock-initrd.img" "$release"
cp "/boot/vmlinuz-$release" "$folder/stock-vmlinuz"
chmod 644 "$folder"/stock-*
