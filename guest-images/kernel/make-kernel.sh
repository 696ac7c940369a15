#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-kernel.sh SOURCE_TAR WORK OUTPUT kernel[-SUFFIX]...: bzImage[-SUFFIX] and vmlinux[-SUFFIX] into
# OUTPUT, as kernel[-SUFFIX].config beside this script has it. All come from one source tree, each
# is built in a folder of its own, at the same time.
# Needs 2 GB in WORK for a while. The "== " lines are the steps that build.sh shows.
set -eu
umask 022
export LC_ALL=C
source_tar=$1 work=$2 output=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
tree=$work/linux-source-6.1

echo "== unpacking ${source_tar##*/} (15 s)"
# None of this is needed here; it is an eighth of the files.
tar -C "$work" -xf "$source_tar" --exclude='*/Documentation/*/*' \
  --exclude='*/drivers/gpu/drm/amd/*.h'

echo "== applying the patch"
patch -d "$tree" -p1 --fuzz=0 -s -i "$here/linux-6.1-software-kvm.patch"

echo "== configuring"
# The same input gives the same image: no time, user or host of the build in it.
KBUILD_BUILD_TIMESTAMP=$(date -u -r "$source_tar" '+%a %b %e %T UTC %Y')
export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER=jkvm KBUILD_BUILD_HOST=jkvm KBUILD_BUILD_VERSION=1
first=
for name in "$@"; do
  config=$here/$name.config build=$work/$name
  # kbuild has nothing to share between configurations but the programs that it runs itself.
  if [ -n "$first" ]; then cp -a "$first" "$build"; else mkdir "$build"; fi
  # Everything off, then the kernel's own "tiny" choices, then ours: the last word on a symbol wins.
  "$tree/scripts/kconfig/merge_config.sh" -m -O "$build" "$tree/kernel/configs/tiny.config" \
    "$tree/arch/x86/configs/tiny.config" "$config" >/dev/null
  mv "$build/.config" "$build/wanted.config"
  make -C "$tree" O="$build" KCONFIG_ALLCONFIG="$build/wanted.config" allnoconfig
  # Kconfig drops silently what it does not know or what depends on something that is off.
  while read -r line; do
    case $line in
      CONFIG_*)
        grep -qxF "$line" "$build/.config" ||
          { echo "${config##*/}: not taken: $line" && exit 1; }
        ;;
    esac
  done <"$config"
  if [ -z "$first" ] && [ $# -gt 1 ]; then
    first=$build
    nice make -C "$tree" O="$build" -j"$(nproc)" prepare
  fi
done

echo "== compiling"
# Below one make, whose job server shares the CPUs out between the builds.
{
  echo ".PHONY: all $*"
  echo "all: $*"
  echo "$*:"
  printf '\t+$(MAKE) -C %s O=%s/$@ bzImage\n' "$tree" "$work"
} >"$work/kernels.mk"
nice make -f "$work/kernels.mk" -j"$(nproc)" all

echo "== copying"
for name in "$@"; do
  suffix=${name#kernel} build=$work/$name
  cp "$build/arch/x86/boot/bzImage" "$output/bzImage$suffix"
  strip -o "$output/vmlinux$suffix" "$build/vmlinux"
  chmod 644 "$output/bzImage$suffix" "$output/vmlinux$suffix"
  rm -rf "$build"
done
rm -rf "$tree"
