#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-kernel.sh SOURCE_TAR WORK OUTPUT: bzImage and vmlinux of the default guest into OUTPUT.
# Needs 2 GB in WORK for a while. The "== " lines are the steps that build.sh shows.
set -eu
umask 022
export LC_ALL=C
source_tar=$1 work=$2 output=$3
here=$(cd "$(dirname "$0")" && pwd)
tree=$work/linux-source-6.1

echo "== unpacking ${source_tar##*/} (15 s)"
# None of this is needed here; it is an eighth of the files.
tar -C "$work" -xf "$source_tar" --exclude='*/Documentation/*/*' \
  --exclude='*/drivers/gpu/drm/amd/*.h'

echo "== applying the patch"
patch -d "$tree" -p1 --fuzz=0 -s -i "$here/linux-6.1-software-kvm.patch"

echo "== configuring"
# Everything off, then the kernel's own "tiny" choices, then ours: the last word on a symbol wins.
"$tree/scripts/kconfig/merge_config.sh" -m -O "$work" "$tree/kernel/configs/tiny.config" \
  "$tree/arch/x86/configs/tiny.config" "$here/kernel.config" >/dev/null
make -C "$tree" KCONFIG_ALLCONFIG="$work/.config" allnoconfig
# Kconfig drops silently what it does not know or what depends on something that is off.
while read -r line; do
  case $line in
    CONFIG_*)
      grep -qxF "$line" "$tree/.config" || { echo "kernel.config: not taken: $line" && exit 1; }
      ;;
  esac
done <"$here/kernel.config"

echo "== compiling"
# The same input gives the same image: no time, user or host of the build in it.
KBUILD_BUILD_TIMESTAMP=$(date -u -r "$source_tar" '+%a %b %e %T UTC %Y')
export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER=jkvm KBUILD_BUILD_HOST=jkvm KBUILD_BUILD_VERSION=1
nice make -C "$tree" -j"$(nproc)" bzImage

echo "== copying"
cp "$tree/arch/x86/boot/bzImage" "$output/bzImage"
strip -o "$output/vmlinux" "$tree/vmlinux"
chmod 644 "$output/bzImage" "$output/vmlinux"
rm -rf "$tree"
