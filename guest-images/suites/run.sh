#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [-k] [WHAT...]: file system suites on directories of this host as guests have them. WHAT:
#   virtio-fs       the device behind this host's own FUSE client, /dev/fuse; jkvm is run by root
#   virtio-fs-user  the same, where an ordinary user runs jkvm
#   9p              the device behind the 9P client of a guest of QEMU's, without KVM
#   jkvm            some of it in a guest of jkvm's own, on virtio-fs ("TESTS='*/*' NINEP=y run.sh jkvm"
#                   for all of it, or on 9p), which takes hours where KVM interprets the guest
#   bed             the same, on both devices, in guests with Debian's stock kernel on the test bed's
#                   kvm_amd; DEBIAN_KERNEL, unpacked, is a kernel with 9p, which the bed's own lacks
#   xfstests        xfstests' generic group 'quick', as with virtio-fs
# The first three if nothing is said. pjdfstest, fsx and fsstress are run; what fails is compared with
# the file 'exceptions'. JKVM_SUITES names the folder with pjdfstest.tar.xz and xfstests.tar.xz, each
# a folder of that name as published; without it nothing is run. With -k all output is kept.
# Needs root, make, gcc, xfslibs-dev, busybox-static, qemu-system-x86; for xfstests what its README
# says. Exit status: 0 as expected or skipped, 1 not, 3 something is missing.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
jkvm=$top/launcher/target/jkvm
kernel=$top/guest-images/build/bzImage
nobody=65534

die() {
  echo "suites: $*" >&2
  exit 3
}

keep=
[ "${1:-}" != -k ] || { keep=y && shift; }
[ $# -gt 0 ] || set -- virtio-fs virtio-fs-user 9p
if [ -z "${JKVM_SUITES:-}" ]; then
  echo "suites: skipped: JKVM_SUITES names no folder with pjdfstest.tar.xz and xfstests.tar.xz"
  exit 0
fi
for archive in pjdfstest xfstests; do
  [ -r "$JKVM_SUITES/$archive.tar.xz" ] || die "there is no $JKVM_SUITES/$archive.tar.xz"
done
[ "$(id -u)" = 0 ] || die "the suites change owners, and mount: run this by root"
[ -d "$top/devices/target/test-classes" ] && [ -d "$jkvm" ] ||
  die "there are no test classes: run 'make && mvn -q test-compile -pl devices -am'"
for program in gcc xz busybox; do
  command -v $program >/dev/null || die "$program is missing: apt-get install gcc xz-utils busybox-static"
done

work=$(mktemp -d /var/tmp/jkvm-suites.XXXXXX)
chmod 755 "$work" # for nobody, too
finish() {
  for mount in "$work"/*/mnt; do
    umount -l "$mount" 2>/dev/null || true # also one whose device has ended
  done
  jobs -p | xargs -r kill 2>/dev/null || true
  if [ -n "$keep" ]; then echo "suites: all output is in $work"; else rm -rf "$work"; fi
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

classes=$top/devices/target/test-classes:$top/devices/target/classes:$top/hypervisor-core/target/classes
for jar in "$jkvm"/lib/*.jar; do
  case $jar in */jna* | */netty* | */slf4j* | */logback*) classes=$classes:$jar ;; esac
done
# No function: what runs behind it would not be ended with it.
java=(java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m -cp "$classes")

build() { # the programs, without a configure script: a few words suffice
  bin=$work/bin
  mkdir -p "$bin" "$work/include" "$work/source"
  : >"$work/include/config.h"
  for archive in pjdfstest xfstests; do tar -xJf "$JKVM_SUITES/$archive.tar.xz" -C "$work/source"; done
  local have=() word
  for word in SYS_SYSMACROS_H FACCESSAT FCHMODAT FCHOWNAT FSTATAT LINKAT MKDIRAT MKFIFOAT MKNODAT OPENAT \
    POSIX_FALLOCATE READLINKAT RENAMEAT SYMLINKAT UTIMENSAT STRUCT_STAT_ST_ATIM STRUCT_STAT_ST_CTIM \
    STRUCT_STAT_ST_MTIM ASSERT_H DIRENT_H ERRNO_H LIBGEN_H LINUX_FALLOC_H MALLOC_H STDLIB_H STRINGS_H \
    STRING_H SYS_FCNTL_H SYS_IOCTL_H SYS_MMAN_H SYS_PARAM_H SYS_STATVFS_H SYS_STAT_H SYS_TIME_H \
    SYS_TYPES_H SYS_WAIT_H TIME_H UNISTD_H XFS_XFS_H RENAMEAT2 COPY_FILE_RANGE; do
    have+=("-DHAVE_$word")
  done
  local compile=(gcc -O1 -w -static -D_GNU_SOURCE -DSTDC_HEADERS -DFALLOCATE "${have[@]}"
    -include getopt.h -include signal.h -I "$work/include" -I "$work/source/xfstests/src")
  cp -r "$work/source/pjdfstest" "$bin/pjdfstest"
  "${compile[@]}" -o "$bin/pjdfstest/pjdfstest" "$work/source/pjdfstest/pjdfstest.c"
  cat "$here/quick.sh" >>"$bin/pjdfstest/tests/misc.sh"
  for program in fsx fsstress; do
    "${compile[@]}" -o "$bin/$program" "$work/source/xfstests/ltp/$program.c"
  done
  cp "$here/suites.sh" "$bin/"
}

mount_here() { # name, user: a new directory as $work/NAME/mnt
  local at=$work/$1
  mkdir -p "$at/mnt" "$at/directory"
  chown "$2:$2" "$at/directory"
  (
    exec 0<>/dev/fuse
    mount -i -t fuse jkvm "$at/mnt" \
      -o fd=0,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions
    exec setpriv --reuid "$2" --regid "$2" --clear-groups \
      "${java[@]}" io.jkvm.devices.virtio.fs.HostMount "$at/directory"
  ) >"$at/device.log" 2>&1 &
  until stat "$at/mnt" >/dev/null 2>&1 && mountpoint -q "$at/mnt"; do
    kill -0 $! 2>/dev/null || die "$1: $(tail -n 1 "$at/device.log")"
    sleep 0.1
  done
}

in_mount() { # name, user: what suites.sh says
  local at=$work/$1 part parts=()
  mount_here "$1" "$2"
  # As many at once as there are processors; only the last one has fsx and fsstress.
  local lists=('[a-l]*/*' '[m-q]*/* rmdir/* [s-z]*/*' 'rename/*')
  for part in 0 1 2; do
    mkdir -p "$at/mnt/$part" "$at/bin$part"
    cp -r "$bin/." "$at/bin$part"
    # shellcheck disable=SC2086 # patterns
    (set -f && DIRECT=y sh "$at/bin$part/suites.sh" "$at/mnt/$part" "$at/bin$part" ${lists[part]}) \
      >"$at/part$part" 2>&1 &
    parts+=($!)
  done
  wait "${parts[@]}" || true
  cat "$at"/part?
  grep -v 'reply to 18: ' "$at/device.log" || true # RELEASE, when it is unmounted
  umount "$at/mnt"
}

debian_kernel() { # Debian's, whose 9P client speaks TCP: unpacked in $DEBIAN_KERNEL, or fetched
  local at=$1 package
  [ -z "${DEBIAN_KERNEL:-}" ] || { echo "$DEBIAN_KERNEL" && return; }
  package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  [ -n "$package" ] || die "apt knows no linux-image-amd64; name one that is unpacked by DEBIAN_KERNEL"
  mkdir -p "$at/kernel"
  (cd "$at/kernel" && apt-get -qq download "$package" && dpkg -x linux-image-*.deb .) >&2 ||
    die "$package can't be fetched; name one that is unpacked by DEBIAN_KERNEL"
  echo "$at/kernel"
}

in_qemu() { # 9P over TCP, from a guest that has busybox alone
  local at=$work/9p port=$((20000 + $$ % 10000)) root=$work/9p/root tree module modules
  command -v qemu-system-x86_64 >/dev/null || die "qemu-system-x86_64 is missing: apt-get install qemu-system-x86"
  mkdir -p "$at/directory" "$root"/{bin,proc,sys,dev,tmp,mnt,etc,lib}
  tree=$(debian_kernel "$at")
  modules=(drivers/net/ethernet/intel/e1000/e1000 fs/netfs/netfs fs/fscache/fscache net/9p/9pnet net/9p/9pnet_fd fs/9p/9p)
  for module in "${modules[@]}"; do
    cp "$tree"/lib/modules/*/kernel/"$module".ko "$root/lib/"
  done
  "${java[@]}" io.jkvm.devices.virtio.p9.TcpServer "$at/directory" "$port" >"$at/device.log" 2>&1 &
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
  cp -r "$bin" "$root/suites"
  printf 'root:x:0:0::/:/bin/sh\nnobody:x:%s:%s::/:/bin/sh\n' $nobody $nobody >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:%s:\n' $nobody >"$root/etc/group"
  cat >"$root/init" <<INIT
#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
for module in e1000 netfs fscache 9pnet 9pnet_fd 9p; do insmod /lib/\$module.ko; done
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
mount -t 9p -o trans=tcp,port=$port,version=9p2000.L,access=client,msize=512000,cache=mmap 10.0.2.2 /mnt &&
  FSSTRESS=800 FSX=4000 sh /suites/suites.sh /mnt /suites
reboot -f
INIT
  chmod 755 "$root/init"
  (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$at/root.cpio.gz"
  qemu-system-x86_64 -accel tcg -m 512 -nodefaults -no-user-config -display none -serial stdio -no-reboot \
    -netdev user,id=n -device e1000,netdev=n -kernel "$tree"/boot/vmlinuz* -initrd "$at/root.cpio.gz" \
    -append 'console=ttyS0 quiet panic=-1 mitigations=off tsc=reliable' </dev/null | tr -d '\r'
}

in_jkvm() { # in a guest of our own, on a directory that it shares
  local at=$work/jkvm here=$kernel
  mkdir -p "$at/directory" "$at/9p"
  if [ -n "${NINEP:-}" ]; then
    here=$at/9p/bzImage
    cp "$kernel" "$here"
    "$jkvm/bin/jkvm" test --print-config |
      sed 's/^CONFIG_VIRTIO_FS=y/CONFIG_9P_FS=y\nCONFIG_NET_9P_VIRTIO=y/' >"$at/9p/.config"
  fi
  FSSTRESS=${FSSTRESS:-100} FSX=${FSX:-300} "$jkvm/bin/jkvm" test --quiet --kernel "$here" --mem 512M \
    --share "$at/directory:/mnt" --share "$bin:/media" -- sh -c 'set -f; sh /media/suites.sh /mnt /media $1' sh \
    "${TESTS:-open/0[0-5] rename/0[1-3] truncate/* mkfifo/*}"
}

in_bed() { # what 'jkvm' does, and on 9p, too
  set -f
  # shellcheck disable=SC2086 # patterns
  set -- ${TESTS:-open/0[0-5] rename/0[1-3] truncate/* mkfifo/*}
  set +f
  "$top/test-bed/run" ${DEBIAN_KERNEL:+-k "$DEBIAN_KERNEL"} -t 7200 -q 600 -w "$bin" -s "$here/bed.sh" "$bin" 3000 "$@"
}

failures=0
compare() { # what, its output, its name in 'exceptions': prints a summary, counts what is not as there
  grep -q '^DONE$' "$2" || { echo "suites: $1 did not come to its end: $(tail -n 1 "$2")" >&2 && failures=$((failures + 1)); }
  awk -v what="$1" -v excepted="$3" '
    NR == FNR { if ($1 == excepted) known[$2 " " $3] = $4; next }
    $1 == "RESULT" {
      name = $2 " " $3; tests[$2]++; passed[$2] += $5; failed[$2] += $7
      if ($5 + $7 != $9) { print "  " name ": " $5 + $7 " results of " $9; bad++ }
      else if ($7 != known[name] + 0) {
        print "  " name ": " $7 " failed, " known[name] + 0 " expected"; bad++; shown[name] = 1
      }
    }
    $1 == "FAILED" && (($2 " " $3) in shown) && lines[$2 " " $3]++ < 4 { print "    " $0 }
    /the kernel refuses/ { print "  " $0; bad++ }
    END {
      for (suite in tests)
        printf "%s: %s: %d tests, %d checks passed, %d failed\n", what, suite, tests[suite], passed[suite], failed[suite]
      printf "%s: %d not as expected\n", what, bad + 0
      exit bad > 0
    }' "$here/exceptions" "$2" || failures=$((failures + 1))
}

echo "suites: building"
build
for what; do
  echo "suites: $what"
  name=$what
  case $what in
    virtio-fs) in_mount $what 0 >"$work/$what.log" ;;
    virtio-fs-user) in_mount $what $nobody >"$work/$what.log" ;;
    9p) in_qemu >"$work/$what.log" ;;
    jkvm)
      name=${NINEP:+9p} name=${name:-virtio-fs}
      in_jkvm >"$work/$what.log" || true
      ;;
    bed)
      in_bed >"$work/$what.all" || true
      # An outer machine that died has left what it had done.
      awk '/^bed: Linux/ { first = NR } { line[NR] = $0 }
        END { for (i = first; i <= NR; i++) print line[i] }' "$work/$what.all" >"$work/$what.log"
      for device in virtio-fs 9p; do
        sed -n "/^WHAT $device/,/^STATUS/p" "$work/$what.log" >"$work/$what-$device.log"
        grep -q '^STATUS 0' "$work/$what-$device.log" || tail -n 3 "$work/$what.log" >&2
        compare "$what, $device" "$work/$what-$device.log" $device
      done
      continue
      ;;
    xfstests) . "$here/xfstests.sh" && run_xfstests >"$work/$what.log" ;;
    *) die "what is $what?" ;;
  esac
  compare "$what" "$work/$what.log" "$name"
done
[ $failures = 0 ]
