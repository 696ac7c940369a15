#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make-root.sh FOLDER OUTPUT [PATH...]: the outer machine's root, an ext4 image made without root
# rights: busybox, a Java runtime with no more than jkvm needs, the distribution, the guest images
# of FOLDER, and the programs or folders PATH of this machine with their shared libraries.
set -eu
umask 022
export LC_ALL=C
images=$1 output=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
distribution=$here/../launcher/target/jkvm
modules=java.base,java.logging,java.management,java.naming,java.xml,jdk.unsupported

tree=$(mktemp -d "${TMPDIR:-/tmp}/jkvm-root.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$tree"/{bin,dev,etc,images,lib,lib64,proc,root,run,sys,tmp,usr/bin,usr/lib,usr/share}

# --- programs -----------------------------------------------------------------------------------
cp /bin/busybox "$tree/bin/busybox"
for applet in $(/bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
done
printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/:/bin/false' >"$tree/etc/passwd"
echo '127.0.0.1 localhost bed' >"$tree/etc/hosts"
chmod 1777 "$tree/tmp"
"$JLINK" --add-modules "$modules" --strip-java-debug-attributes --no-header-files --no-man-pages \
  --output "$tree/jre"
mkdir "$tree/jkvm"
tar -C "$distribution" --exclude='*.jsa' -cf - . | tar -C "$tree/jkvm" -xf -
cp -rL --sparse=always "$images"/* "$tree/images/"
for path in "$@"; do
  mkdir -p "$tree$(dirname "$path")"
  cp -aL "$path" "$tree$path"
done

# What every ELF file in the tree asks for, where the dynamic linker will look for it.
find "$tree" -path "$tree/images" -prune -o -type f \( -perm -u+x -o -name '*.so*' \) -print |
  while read -r file; do ldd "$file" 2>/dev/null || true; done |
  grep -oE '/[^ ]+' | sort -u |
  while read -r library; do
    case $library in
      "$tree"/* | *:) continue ;;
    esac
    [ -e "$tree$library" ] || { mkdir -p "$tree$(dirname "$library")" && cp -L "$library" "$tree$library"; }
  done

# --- class archive ------------------------------------------------------------------------------
# A runtime accepts the archive if its class path has the same files in the same order; it compares
# files by inode. Hence the link from the path here to the path there. Without KVM here the list of
# classes is shorter. Lacking the archive costs time only, so nothing of it ends the script.
list=$tree/classes.list
JAVA_HOME=$tree/jre JKVM_JAVA_OPTIONS=-XX:DumpLoadedClassList=$list "$tree/jkvm/bin/jkvm" run --quiet \
  --kernel "$images/bzImage" --disk "$images/rootfs.img,ro" --timeout 1500ms \
  </dev/null >/dev/null 2>&1 || true
version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$tree/jre/release")
if [ -s "$list" ]; then
  class_path=$(printf '%s:' "$tree"/jkvm/lib/*.jar)
  "$tree/jre/bin/java" -Xshare:dump -XX:+UseSerialGC -XX:SharedClassListFile="$list" \
    -XX:SharedArchiveFile="$tree/jkvm/lib/jkvm-$version.jsa" -cp "${class_path%:}" -Xlog:disable \
    >/dev/null 2>&1 || true
fi
rm -f "$list"
mkdir -p "$tree$tree"
ln -s /jkvm "$tree$tree/jkvm"

# --- image --------------------------------------------------------------------------------------
# Room for what scripts write there, such as disks and the files of a benchmark; it costs nothing.
mib=$(($(du -sm "$tree" | cut -f 1) * 11 / 10 + 256))
rm -f "$output.part"
PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 \
  -d "$tree" "$output.part" "${mib}M"
mv "$output.part" "$output"
