#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh [all|kernel|smp|kunit|initramfs|rootfs|agent|bench|stock|network-tools|fio|kselftest]...:
# guests' images, into guest-images/build/. 'all' is our own guests and the agent for any; 'kunit' is a
# kernel with the kernel's own tests, 'kselftest' those that are programs; 'stock' is a
# distribution's kernel with an initrd of its own; 'network-tools' are iperf3, sockperf and ethtool,
# 'fio' is a disk's benchmark, both to go after the initramfs.
#
# Results are kept in ${XDG_CACHE_HOME:-~/.cache}/jkvm/<key>/, the key a hash of everything that
# they are made of, so that another clone builds nothing. Exit status: 0 done, 1 a step failed,
# 2 usage, 3 something is missing on this machine, 129, 130 and 143 signals.
set -eu
umask 022
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
out=$here/build
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/jkvm
source_tar=/usr/src/linux-source-6.1.tar.xz
patch_made_for=6.1.192
USAGE="all|kernel|smp|kunit|initramfs|rootfs|agent|bench|stock|network-tools|fio|kselftest"
FIO_URL=http://deb.debian.org/debian/pool/main/f/fio/fio_3.33.orig.tar.gz
FIO_SHA256=d2410e13e0f379d061d077cc5ae325835bb7c6186aa7bafc1df954cbc9b014fc
KSELFTESTS="exec mqueue size timers"
work=
scratch=
log=
child=

say() { printf 'guest-images: %s\n' "$*"; }
fail() { # exit status, message
  status=$1
  shift
  printf 'guest-images: %s\n' "$*" >&2
  exit "$status"
}
free_mib() { df -Pm "$cache" | awk 'NR == 2 { print $4 }'; }

# Ends with the last lines of the log of the step that failed, and keeps that log.
fail_step() { # what failed
  kept=${TMPDIR:-/tmp}/jkvm-guest-images-$(id -u).log
  tail -n 8 "$log" | sed 's/^/  /' >&2
  why=
  if grep -q 'No space left on device' "$log" || [ "$(free_mib)" -lt 8 ]; then
    why=": no space left in $cache${scratch:+ or $scratch}"
  fi
  if cp "$log" "$kept" 2>/dev/null; then
    fail 1 "$1 failed$why (the whole log: $kept)"
  fi
  fail 1 "$1 failed$why"
}

clean_up() {
  status=$?
  trap '' HUP INT TERM
  if [ -n "$child" ]; then
    kill -TERM -"$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$scratch" ] || rm -rf "$scratch"
  exit $status
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- progress -----------------------------------------------------------------------------------

# Runs a command with its output in the log, in a process group of its own so that an interrupt
# ends all of it. Meanwhile shows what the function says: on a terminal one line that changes,
# else a line every 10 s.
run_showing() { # function, command...
  describe=$1
  shift
  : >"$log"
  setsid "$@" >"$log" 2>&1 </dev/null &
  child=$!
  started=$(date +%s)
  shown=0
  while kill -0 "$child" 2>/dev/null; do
    sleep 1
    seconds=$(($(date +%s) - started))
    if [ -t 1 ]; then
      printf '\r\033[Kguest-images: %s, %s s' "$($describe | cut -c 1-60)" "$seconds"
    elif [ $((seconds - shown)) -ge 10 ]; then
      say "$($describe), $seconds s"
      shown=$seconds
    fi
  done
  [ ! -t 1 ] || printf '\r\033[K'
  child_status=0
  wait "$child" || child_status=$?
  child=
  return $child_status
}

last_line() { tail -n 1 "$log"; }
kernel_step() {
  step=$(sed -n 's/^== //p' "$log" | tail -n 1)
  if [ "$step" = compiling ]; then
    step="compiled $(grep -c -E '^  (CC|AS) ' "$log" || true) of about $files_expected files"
  fi
  echo "$step"
}

# --- what must be installed ---------------------------------------------------------------------

need() { # Debian packages
  command -v dpkg-query >/dev/null || fail 3 "this needs Debian 12, for its packages: $*"
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
      missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  install="apt-get install -y --no-install-recommends$missing"
  [ "$(id -u)" = 0 ] || fail 3 "packages are missing, run: sudo sh -c 'apt-get update; $install'"
  say "installing$missing (1 to 3 minutes; linux-source-6.1 alone is 140 MB)"
  run_showing last_line env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update && $install" ||
    fail_step "apt-get"
}
version_of() { dpkg-query -W -f '${Version}' "$1"; }

# --- cache --------------------------------------------------------------------------------------

key_of() { # version, files: a hash of their names and contents
  version=$1
  shift
  { echo "$version" && for f in "$@"; do echo "${f#"$here"}" && cat "$f"; done; } |
    sha256sum | cut -c 1-24
}

have() { # key, names
  k=$1
  shift
  for name in "$@"; do [ -s "$cache/$k/$name" ] || return 1; done
}

publish() { # key: the finished folder takes its name in one step
  rm -rf "${cache:?}/$1"
  sync "$work/result"/* && mv "$work/result" "$cache/$1" || fail 1 "can't write to $cache"
}

deliver() { # key, names: copies to build/ what is not there yet
  key=$1
  shift
  mkdir -p "$out" || fail 1 "can't create $out"
  for name in "$@"; do
    if [ "$(cat "$out/.$name.key" 2>/dev/null)" = "$key" ] && [ -s "$out/$name" ]; then
      say "build/$name is up to date"
      continue
    fi
    # Moved into place, its key last: what has its name is whole.
    { rm -f "$out/.$name.key" &&
      cp --sparse=always "$cache/$key/$name" "$out/.$name.new" &&
      mv -f "$out/.$name.new" "$out/$name" &&
      echo "$key" >"$out/.$name.key"; } 2>"$log" || {
      rm -f "$out/.$name.new"
      fail 1 "can't write $out/$name: $(head -n 1 "$log")"
    }
    say "build/$name from $cache/$key"
  done
}

# --- sources ------------------------------------------------------------------------------------

# Sources are unpacked in memory where there is enough: to delete 75,000 files takes minutes on a file
# system that tells its disk of each one (mount option discard).
SOURCES_MIB=2000
make_scratch() { # what for
  [ -z "$scratch" ] || return 0
  if [ "$(memory_mib)" -ge $((3 * SOURCES_MIB)) ] &&
    scratch=$(mktemp -d "$memory_sources.XXXXXX" 2>/dev/null); then
    # Programs of the sources' own are run there.
    echo '#!/bin/sh' >"$scratch/run" && chmod +x "$scratch/run" && "$scratch/run" 2>/dev/null && return
    rm -rf "$scratch"
  fi
  scratch=$work/sources
  mkdir "$scratch"
  [ "$(free_mib)" -ge $SOURCES_MIB ] ||
    fail 1 "$1 needs $SOURCES_MIB MiB in $cache, $(free_mib) are free; set XDG_CACHE_HOME"
}

# What a file in memory may take, of the host's memory and of a container's.
memory_mib() {
  {
    awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo
    df -Pm /dev/shm | awk 'NR == 2 { print $4 }'
    for limit in memory.max memory/memory.limit_in_bytes; do
      awk '/^[0-9]+$/ { printf "%.0f\n", $1 / 1048576 }' "/sys/fs/cgroup/$limit" || true
    done
  } 2>/dev/null | sort -n | head -n 1
}

# --- the images ---------------------------------------------------------------------------------

# The recipe's files by name, so that a change to one kernel's leaves the other's key alone.
kernel_key() { # kernel|kernel-smp|kernel-kunit
  case $1 in
    kernel) set -- "$here/kernel/kernel.config" ;;
    *) set -- "$here/kernel/kernel.config" "$here/kernel/$1.config" ;;
  esac
  key_of "kernel $version" "$@" "$here/kernel/linux-6.1-software-kvm.patch" \
    "$here/kernel/make-kernel.sh"
}

# Those that are not in the cache are built together, from one source tree.
kernels() { # kernel|kernel-smp|kernel-kunit...
  need linux-source-6.1 gcc libc6-dev make flex bison bc libelf-dev lz4 xz-utils patch
  version=$(version_of linux-source-6.1)
  wanted=$*
  set --
  files_expected=0
  for kernel in $wanted; do
    suffix=${kernel#kernel}
    ! have "$(kernel_key "$kernel")" "bzImage$suffix" "vmlinux$suffix" || continue
    set -- "$@" "$kernel"
    files_expected=$((files_expected + 880))
    [ "$kernel" = kernel ] || files_expected=$((files_expected + 220))
  done
  [ $# = 0 ] || build_kernels "$@"
  for kernel in $wanted; do
    suffix=${kernel#kernel}
    deliver "$(kernel_key "$kernel")" "bzImage$suffix" "vmlinux$suffix"
  done
}

build_kernels() { # kernel|kernel-smp|kernel-kunit...
  say "building Linux $version for the guest, $*: 5 to 10 minutes on 2 CPUs"
  make_scratch "the kernel build"
  recipe=$work/recipe built=$work/built
  mkdir "$recipe" "$built"
  cp "$here/kernel/linux-6.1-software-kvm.patch" "$here/kernel/make-kernel.sh" "$recipe/"
  for kernel in "$@"; do
    cp "$here/kernel/kernel.config" "$recipe/$kernel.config"
    [ "$kernel" = kernel ] || cat "$here/kernel/$kernel.config" >>"$recipe/$kernel.config"
  done
  if ! run_showing kernel_step sh "$recipe/make-kernel.sh" "$source_tar" "$scratch" "$built" "$@"; then
    step=$(sed -n 's/^== //p' "$log" | tail -n 1)
    case $step,$version in
      "applying the patch,$patch_made_for"-*) ;;
      "applying the patch",*) step="$step (made for $patch_made_for, this is $version)" ;;
    esac
    fail_step "the kernel build, $step,"
  fi
  for kernel in "$@"; do
    suffix=${kernel#kernel}
    mkdir "$work/result"
    mv "$built/bzImage$suffix" "$built/vmlinux$suffix" "$work/result/"
    publish "$(kernel_key "$kernel")"
  done
}

root() { # initramfs|disk, result's name
  need busybox-static e2fsprogs gcc
  version=$(version_of busybox-static)
  key=$(key_of "$1 $version" "$here/rootfs/make-root.sh" "$here/rootfs/init" \
    "$here/rootfs/udhcpc.script" "$here"/rootfs/etc/* "$here"/rootfs/www/* "$here"/vectors/*)
  if ! have "$key" "$2"; then
    say "making $2 with busybox $version (2 s)"
    mkdir "$work/result"
    sh "$here/vectors/make-vectors.sh" "$work/vectors" >"$log" 2>&1 || fail_step "making vectors"
    PATH=$PATH:/usr/sbin:/sbin sh "$here/rootfs/make-root.sh" "$1" /bin/busybox "$work/vectors" \
      "$work/result/$2" >"$log" 2>&1 || fail_step "making $2"
    publish "$key"
  fi
  deliver "$key" "$2"
}

compiled() { # folder of the recipe, result's name
  need gcc linux-libc-dev
  key=$(key_of "$1 $(version_of gcc)" "$here/$1"/*)
  if ! have "$key" "$2"; then
    say "making $2 (3 s)"
    mkdir "$work/result"
    sh "$here/$1/make-$1.sh" "$work/result/$2" >"$log" 2>&1 || fail_step "making $2"
    publish "$key"
  fi
  deliver "$key" "$2"
}

stock() {
  need linux-image-cloud-amd64 initramfs-tools busybox-static kmod cpio lz4
  # The package that the meta package stands for: "linux-image-RELEASE (= VERSION)".
  release=$(dpkg-query -W -f '${Depends}' linux-image-cloud-amd64 | sed 's/linux-image-\([^ ]*\).*/\1/')
  version="$(version_of "linux-image-$release") $(version_of initramfs-tools)"
  key=$(key_of "$release $version $(version_of busybox-static)" "$here"/stock/*)
  if ! have "$key" stock-vmlinuz stock-initrd.img; then
    say "making stock-initrd.img for $release (10 s)"
    mkdir "$work/result"
    run_showing last_line sh "$here/stock/make-stock.sh" "$release" "$work/result" ||
      fail_step "making stock-initrd.img"
    publish "$key"
  fi
  deliver "$key" stock-vmlinuz stock-initrd.img
}

network_tools() {
  need iperf3 sockperf ethtool cpio
  key=$(key_of "$(version_of iperf3) $(version_of sockperf) $(version_of ethtool) $(version_of libc6)" \
    "$here"/network-tools/*)
  if ! have "$key" network-tools.cpio; then
    say "making network-tools.cpio (1 s)"
    mkdir "$work/result"
    PATH=$PATH:/usr/sbin:/sbin sh "$here/network-tools/make-network-tools.sh" \
      "$work/result/network-tools.cpio" iperf3 sockperf ethtool >"$log" 2>&1 ||
      fail_step "making network-tools.cpio"
    publish "$key"
  fi
  deliver "$key" network-tools.cpio
}

fio() {
  need gcc libc6-dev make libaio-dev cpio
  key=$(key_of "fio $FIO_SHA256 $(version_of libaio-dev) $(version_of libc6)" "$here"/fio/*)
  if ! have "$key" fio.cpio; then
    say "making fio.cpio (1 minute)"
    mkdir "$work/result"
    make_scratch "the build of fio"
    run_showing last_line /usr/lib/apt/apt-helper download-file "$FIO_URL" "$work/fio.tar.gz" \
      "SHA256:$FIO_SHA256" || fail_step "fetching $FIO_URL"
    run_showing last_line sh "$here/fio/make-fio.sh" "$work/fio.tar.gz" "$scratch" "$work/result/fio.cpio" ||
      fail_step "making fio.cpio"
    publish "$key"
  fi
  deliver "$key" fio.cpio
}

kselftest() {
  need linux-source-6.1 gcc libc6-dev make flex bison rsync xz-utils libcap-dev libpopt-dev
  version=$(version_of linux-source-6.1)
  key=$(key_of "kselftest $version $KSELFTESTS $(version_of libc6)" "$here"/kselftest/*)
  if ! have "$key" kselftest.tar; then
    say "making kselftest.tar: $KSELFTESTS (1 minute)"
    mkdir "$work/result"
    make_scratch "the build of kselftest"
    # shellcheck disable=SC2086
    run_showing last_line sh "$here/kselftest/make-kselftest.sh" "$source_tar" "$scratch" \
      "$work/result/kselftest.tar" $KSELFTESTS || fail_step "making kselftest.tar"
    publish "$key"
  fi
  deliver "$key" kselftest.tar
}

# --- main ---------------------------------------------------------------------------------------

[ $# -gt 0 ] || set -- all
targets=
for target in "$@"; do
  case $target in
    all) targets="$targets kernel smp initramfs rootfs agent bench" ;;
    kernel | smp | kunit | initramfs | rootfs | agent | bench | stock | network-tools | fio | kselftest)
      targets="$targets $target"
      ;;
    *) fail 2 "usage: build.sh [$USAGE]..., not '$target'" ;;
  esac
done

mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] ||
  fail 3 "can't write to the cache $cache; set XDG_CACHE_HOME to a folder that is yours"
# One builder at a time; the others wait and then find the result in the cache.
exec 9>"$cache/lock"
if ! flock -n 9; then
  say "another build is running; waiting for it"
  flock 9
fi
# Left by a builder that was killed: with the lock held they belong to nobody else.
rm -rf "$cache"/work.*
memory_sources=/dev/shm/jkvm-guest-images-$(stat -c %d-%i "$cache")
rm -rf "$memory_sources".* 2>/dev/null || true # what another user has put there stays
work=$(mktemp -d "$cache/work.XXXXXX") || fail 1 "can't create a folder in $cache"
log=$work/log
wanted_kernels=
for target in $targets; do
  case $target in
    kernel) wanted_kernels="$wanted_kernels kernel" ;;
    smp | kunit) wanted_kernels="$wanted_kernels kernel-$target" ;;
  esac
done
# shellcheck disable=SC2086
[ -z "$wanted_kernels" ] || kernels $wanted_kernels
for target in $targets; do
  case $target in
    initramfs) root initramfs initramfs.cpio ;;
    rootfs) root disk rootfs.img ;;
    agent) compiled agent agent ;;
    bench) compiled bench bench.elf ;;
    stock) stock ;;
    network-tools) network_tools ;;
    fio) fio ;;
    kselftest) kselftest ;;
  esac
done
