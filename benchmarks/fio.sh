#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fio.sh [ROUNDS]: a disk as a real Linux sees it, with jkvm, with QEMU's microvm and on the bare host, in
# turns: fio with libaio and O_DIRECT, in the guest on /dev/vda, on the host on the same file. The same
# kernel, initrd and memory, one vCPU. Each step has a part of the disk for itself, which at the begin of
# a round is not in the host's page cache; a warm step reads its part before. Prints medians in
# microseconds a request, and jkvm's ratio to QEMU where both use the host's page cache and where neither does.
# Processor time is what bench.sh tells. Settings are variables:
#   ONLY="jkvm qemu-threads ..."   these contenders alone; see 'contenders' below
#   REQUESTS=2000                  in each step of 4 KiB
#   SIZE=512                       of the disk in MiB, of which each step has an eighth
#   FOLDER=DIR                     where the disk's file is made (default: /var/tmp)
# Needs root, to drop the page cache; make, guest-images/build.sh all fio, qemu-system-x86.
# It runs in the test bed as well, on kvm_amd in an emulated machine, with a disk that is made before:
#   head -c 128M /dev/urandom >/var/tmp/fio.disk
#   test-bed/run -t 3600 -q 400 -w /usr/bin/qemu-system-x86_64 -w /usr/share/qemu -w /usr/share/seabios \
#     -w /var/tmp/fio.disk -s benchmarks/fio.sh [ROUNDS]
set -eu
export LC_ALL=C
rounds=${1:-5}
requests=${REQUESTS:-2000}
size=${SIZE:-512}
contenders='jkvm jkvm-direct qemu-threads qemu-io_uring qemu-direct-native host-buffered host-direct'
only=${ONLY:-$contenders}
fail() {
  echo "fio.sh: $*" >&2
  exit 1
}
if [ -d /jkvm ] && [ -d /images ]; then
  images=/images jkvm=/jkvm/bin/jkvm software= tries=3 folder=/var/tmp size=128
else
  cd "$(dirname "$0")/.."
  images=$PWD/guest-images/build jkvm=$PWD/launcher/target/jkvm/bin/jkvm software=y
  tries=1 folder=${FOLDER:-/var/tmp}
  ! grep -qE '\b(vmx|svm)\b' /proc/cpuinfo || software=
fi
[ "$(id -u)" = 0 ] || { echo "fio.sh: needs root, to drop the page cache" >&2 && exit 3; }
for file in "$images/vmlinux" "$images/bzImage" "$images/initramfs.cpio" "$images/fio.cpio"; do
  [ -r "$file" ] || { echo "fio.sh: no $file; run guest-images/build.sh all fio" >&2 && exit 3; }
done
for program in cpio awk $(case $only in *qemu*) echo qemu-system-x86_64 ;; esac); do
  command -v $program >/dev/null || { echo "fio.sh: needs $program" >&2 && exit 3; }
done
case $(stat -f -c %T "$folder") in
  tmpfs | ramfs) echo "fio.sh: $folder is memory, not a disk; choose another with FOLDER=DIR" >&2 && exit 2 ;;
esac
work=$(mktemp -d "$folder/jkvm-fio.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill $(pgrep -P "$pid") "$pid" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
disk=$work/disk
if [ $images = /images ]; then
  disk=/var/tmp/fio.disk
else
  dd if=/dev/urandom of="$disk" bs=1M count="$size" 2>"$work/log" || fail "$(cat "$work/log")"
fi
sync

# --- the work, in a guest and on the host alike ------------------------------------------------------
# Says of each step the microseconds a request. In fio's terse output the milliseconds that a job read
# are the ninth field, those that it wrote the fiftieth.
mkdir "$work/guest" "$work/guest/bench"
cat >"$work/guest/bench/run" <<END
disk=\$1 direct=\$2 out=\$3/out flags=\$4
part=$((size / 8)) requests=$requests
step() { # name, which part, requests, fio's options
  name=\$1 at=\$((\$2 * part)) count=\$3
  shift 3
  case \$name in warm-*) dd if=\$disk of=/dev/null bs=1M skip=\$at count=\$part \$flags 2>\$out || { cat \$out; return; } ;; esac
  fio --name=s --filename=\$disk --ioengine=libaio --direct=\$direct --offset=\${at}M --size=\${part}M \\
    --number_ios=\$count --randrepeat=1 --minimal --terse-version=3 "\$@" >\$out 2>&1 || cat \$out
  echo "took \$name \$(awk -F ';' -v n=\$count '/^3;fio/ { printf "%.1f", (\$9 + \$50) * 1000 / n }' \$out)"
}
step cold-read-1 0 \$requests --rw=randread --bs=4k --iodepth=1
step cold-read-8 1 \$requests --rw=randread --bs=4k --iodepth=8
step cold-read-32 2 \$requests --rw=randread --bs=4k --iodepth=32
step warm-read-1 3 \$requests --rw=randread --bs=4k --iodepth=1
step warm-read-32 3 \$requests --rw=randread --bs=4k --iodepth=32
step write-1 4 \$requests --rw=randwrite --bs=4k --iodepth=1
step write-32 5 \$requests --rw=randwrite --bs=4k --iodepth=32
step write-fsync 6 \$((requests / 10)) --rw=randwrite --bs=4k --iodepth=1 --fsync=1
step cold-sequential 7 \$part --rw=read --bs=1M --iodepth=4
echo finished
END
steps=$(sed -n 's/^step \([^ ]*\) .*/\1/p' "$work/guest/bench/run")
(cd "$work/guest" && find bench | cpio -o -H newc) >"$work/bench.cpio" 2>/dev/null
cat "$images/initramfs.cpio" "$images/fio.cpio" "$work/bench.cpio" >"$work/initrd"
(cd "$work" && cpio -i -d usr/bin/fio <"$images/fio.cpio") 2>/dev/null
PATH=$work/usr/bin:$PATH

# --- the contenders -----------------------------------------------------------------------------------
line='console=ttyS0 panic=-1 quiet'
cpu=host
if [ "$software" ]; then
  line="$line nokaslr mitigations=off noxsave rodata=off no_timer_check"
  line="$line clearcpuid=cx16,erms,fsrm,popcnt,smap,smep"
  cpu=host,-arch-capabilities,-cx16
fi
run="$line jkvm.run=\"sh /bench/run /dev/vda 1 /tmp iflag=direct\""
ours() { # options of the disk
  exec "$jkvm" run --quiet --mem 128M --kernel "$images/bzImage" --initrd "$work/initrd" \
    --disk "$disk,format=raw$1" --cmdline-only "$run reboot=k"
}
qemu() { # options of the drive
  exec qemu-system-x86_64 \
    -M microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on -enable-kvm -cpu $cpu -m 128 \
    -global virtio-mmio.force-legacy=false -nodefaults -no-user-config -no-reboot -display none -serial stdio \
    -kernel "$images/vmlinux" -initrd "$work/initrd" -append "$run reboot=t" -object iothread,id=t \
    -drive "if=none,id=d,format=raw,file=$disk,$1" -device virtio-blk-device,drive=d,iothread=t
}
start() { # contender
  case $1 in
    jkvm) ours '' ;;
    jkvm-direct) ours ,direct ;;
    qemu-threads) qemu cache=writeback,aio=threads ;;
    qemu-io_uring) qemu cache=writeback,aio=io_uring ;;
    qemu-direct-native) qemu cache=none,aio=native ;;
    host-buffered) exec sh "$work/guest/bench/run" "$disk" 0 "$work" '' ;;
    host-direct) exec sh "$work/guest/bench/run" "$disk" 1 "$work" '' ;;
    *) fail "no contender '$1': $contenders" ;;
  esac
}
once() { # contender, round; its results go to the file 'once'
  : >"$work/once"
  : >"$work/said"
  rm -f "$work/console"
  mkfifo "$work/console"
  sync
  echo 3 >/proc/sys/vm/drop_caches
  (start "$1") </dev/null >"$work/console" 2>&1 &
  pid=$!
  finished=
  while read -r word name value; do
    value=${value%"$(printf '\r')"}
    case $word in
      took) [ -z "$value" ] || echo "$1 $name $value" >>"$work/once" ;;
      finished*) finished=y ;;
      *) echo "$word $name $value" >>"$work/said" ;;
    esac
  done <"$work/console"
  wait $pid || :
  pid=
  # What fio said in place of a result is in 'said'.
  [ "$finished" ] && [ "$(wc -l <"$work/once")" = "$(echo "$steps" | wc -l)" ]
}
round=1
while [ $round -le "$rounds" ]; do
  for contender in $only; do
    try=1
    # The test bed's emulation breaks down now and then, and takes a guest with it.
    until once "$contender"; do
      [ $try -lt $tries ] || fail "$contender did not finish; the end of its output: $(tail -n 5 "$work/said")"
      try=$((try + 1))
    done
    cat "$work/once" >>"$work/results"
    echo "round $round: $contender" >&2
  done
  round=$((round + 1))
done

# --- the table ------------------------------------------------------------------------------------------
median() { # contender, step: nothing if there is none
  awk -v a="$1" -v b="$2" '$1 == a && $2 == b { print $3 }' "$work/results" |
    sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
best() { # step, contenders
  step=$1
  shift
  for contender; do median "$contender" "$step"; done | sort -n | head -n 1
}
ratio() { # a, b
  awk -v a="$1" -v b="$2" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-" }'
}
# shellcheck disable=SC2086
set -- $only
echo
echo "Microseconds a request, medians of $rounds rounds."
echo
printf '| step |'
printf ' %s |' "$@"
echo ' jkvm / QEMU, page cache | jkvm / QEMU, direct |'
printf '|---|'
for contender; do printf -- "---|"; done
echo '---|---|'
for step in $steps; do
  printf '| %s |' "$step"
  for contender; do printf ' %s |' "$(median "$contender" "$step")"; done
  cached=$(ratio "$(median jkvm "$step")" "$(best "$step" qemu-threads qemu-io_uring)")
  direct=$(ratio "$(median jkvm-direct "$step")" "$(median qemu-direct-native "$step")")
  echo " $cached | $direct |"
done
