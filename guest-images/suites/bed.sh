#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bed.sh SUITES SECONDS PATTERN...: in the test bed's outer machine, a part of the suites in guests with
# Debian's stock kernel, on virtio-fs, then on 9p (which cloud kernels lack: on our own kernel where no
# other is there). Each part of the output is behind a line "WHAT".
suites=$1 limit=$2
shift 2
virtio_fs=/images/stock nine_p=/root/9p
mkdir $nine_p
# A kernel whose configuration has no virtio-fs is given 9p.
for modules in /images/stock*/lib/modules/*/kernel/fs/9p; do
  if [ -e "$modules" ] && [ ! -e $nine_p/boot ]; then
    virtio_fs=${modules%/lib/modules/*}
    cp -r "$virtio_fs"/* $nine_p/
    sed -i 's/^CONFIG_VIRTIO_FS=.*/# CONFIG_VIRTIO_FS is not set/' $nine_p/boot/config-*
    sed -i '/virtiofs/d' $nine_p/lib/modules/*/modules.builtin
  fi
done
[ -e $nine_p/boot ] || {
  cp /images/bzImage $nine_p/
  /jkvm/bin/jkvm test --print-config |
    sed 's/^CONFIG_VIRTIO_FS=y/CONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y/' >$nine_p/.config
}
for what in virtio-fs 9p; do
  echo "WHAT $what"
  kernel=$virtio_fs
  [ $what != 9p ] || kernel=$nine_p
  mkdir "/root/share-$what"
  set -f
  FSSTRESS=100 FSX=500 /jkvm/bin/jkvm test --quiet --timeout "${limit}s" --kernel "$kernel" --mem 512M \
    --share "/root/share-$what:/mnt" --share "$suites:/media" -- \
    sh -c 'set -f; uname -r; grep " /mnt " /proc/mounts; sh /media/suites.sh /mnt /media $1' sh "$*"
  echo "STATUS $?"
  set +f
done
