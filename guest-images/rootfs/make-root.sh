#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-root.sh initramfs|disk BUSYBOX VECTORS OUTPUT: the root of the default guest, without root rights.
set -eu
umask 022
kind=$1 busybox=$2 vectors=$3 output=$4
here=$(cd "$(dirname "$0")" && pwd)
DISK_MIB=64

directories='bin dev etc etc/udhcpc mnt proc root run sbin sys tmp usr usr/bin usr/sbin usr/share
var var/log var/www'
mode_of() {
  case $1 in
    tmp) echo 1777 ;;
    root) echo 0700 ;;
    *) echo 0755 ;;
  esac
}
# Path in the guest, mode, source.
files="bin/busybox 0755 $busybox
init 0755 $here/init
etc/passwd 0644 $here/etc/passwd
etc/group 0644 $here/etc/group
etc/hosts 0644 $here/etc/hosts
etc/fstab 0644 $here/etc/fstab
etc/udhcpc/default.script 0755 $here/udhcpc.script
usr/sbin/vectors 0755 $vectors
var/www/index.html 0644 $here/www/index.html"

# --- initramfs: the "newc" archive, one entry after the other ---------------------------------
ino=0
pad4() { # bytes written so far: zeroes up to the next multiple of 4
  case $(($1 % 4)) in
    1) printf '\0\0\0' ;;
    2) printf '\0\0' ;;
    3) printf '\0' ;;
  esac
}
entry() { # name, octal mode with type, size, device major, minor
  ino=$((ino + 1))
  printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
    $ino "$2" 0 0 1 0 "$3" 0 0 "$4" "$5" $((${#1} + 1)) 0
  printf '%s\0' "$1"
  pad4 $((110 + ${#1} + 1))
}
link() { # name, target
  entry "$1" 0120777 ${#2} 0 0
  printf '%s' "$2"
  pad4 ${#2}
}
initramfs() {
  for d in $directories; do
    entry "$d" "0040$(mode_of "$d" | cut -c 2-)" 0 0 0
  done
  # The kernel opens it for process 1 before anything could be mounted on /dev.
  entry dev/console 0020600 0 5 1
  echo "$files" | {
    while read -r name mode source; do
      size=$(($(wc -c <"$source")))
      entry "$name" "010$mode" $size 0 0
      cat "$source"
      pad4 $size
    done
    # No link for each applet: the shell finds them by itself, and 270 links take the
    # interpreted kernel a second. It needs /proc for that, hence mount.
    link bin/sh busybox
    link bin/mount busybox
    link sbin/init ../init
    link etc/resolv.conf ../run/resolv.conf
    entry 'TRAILER!!!' 0 0 0 0
  }
}

# --- disk: ext4 filled by mke2fs --------------------------------------------------------------
disk() {
  tree=$output.tree
  trap 'rm -rf "$tree"' EXIT
  mkdir "$tree"
  for d in $directories; do
    mkdir "$tree/$d"
    chmod "$(mode_of "$d")" "$tree/$d"
  done
  echo "$files" | while read -r name mode source; do
    cp "$source" "$tree/$name"
    chmod "$mode" "$tree/$name"
  done
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || [ "$applet" = init ] || ln -s busybox "$tree/bin/$applet"
  done
  ln -s ../init "$tree/sbin/init"
  ln -s ../run/resolv.conf "$tree/etc/resolv.conf"
  rm -f "$output"
  # With a journal: what the guest synced survives the end of the hypervisor, and the next
  # mount needs no check. Without checksums: CRC32C costs an interpreted kernel 10 ms a block.
  # 256-byte inodes hold short link targets. Inode tables are written here, not by the guest.
  mke2fs -q -F -t ext4 -b 4096 -I 256 -N 4096 -L jkvm-root -m 0 \
    -O ^metadata_csum,^resize_inode,^huge_file,^dir_nlink -J size=4 \
    -E root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard \
    -d "$tree" "$output" "${DISK_MIB}M"
  # mke2fs takes over the owner of each file; a build without root rights would give its own.
  if [ "$(id -u)" != 0 ] || [ "$(id -g)" != 0 ]; then
    (cd "$tree" && find . -mindepth 1) | while read -r path; do
      echo "sif \"/${path#./}\" uid 0"
      echo "sif \"/${path#./}\" gid 0"
    done | debugfs -w -f - "$output" >/dev/null 2>&1
  fi
  e2fsck -fn "$output" >/dev/null 2>&1
}

case $kind in
  initramfs) initramfs >"$output" ;;
  disk) disk ;;
  *)
    echo "usage: make-root.sh initramfs|disk BUSYBOX VECTORS OUTPUT" >&2
    exit 2
    ;;
esac
