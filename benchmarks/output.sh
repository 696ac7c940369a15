#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# output.sh [ROUNDS]: what a guest's program can print: 100 MB (MEGABYTES=) of zeroes by 'dd', seconds
# by the guest's clock. By 'jkvm test' on its standard output, through the agent, to a file of the
# host's; by QEMU's microvm straight to a port of its virtio-serial device with such a file behind it.
# The same kernel and memory, in turns, medians at the end.
# Needs: make, make default-guest, qemu-system-x86.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3}
mem=${MEM:-256M}
megabytes=${MEGABYTES:-100}
images=guest-images/build
jkvm=launcher/target/jkvm/bin/jkvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

software='nokaslr mitigations=off noxsave rodata=off clearcpuid=cx16,erms,fsrm,popcnt,smap,smep no_timer_check'
cpu=host,-arch-capabilities,-cx16
if grep -qE '\b(vmx|svm)\b' /proc/cpuinfo; then software= cpu=host; fi
# "TIME a b" on the way that is not measured; a is when dd starts.
measured() { # where to, where the times go
  echo "read a x </proc/uptime; dd if=/dev/zero of=$1 bs=1M count=$megabytes 2>/dev/null; read b x </proc/uptime; echo TIME \$a \$b >$2"
}
one() { # way
  case $1 in
    jkvm)
      $jkvm test --quiet --mem "$mem" --root initramfs -k $images/bzImage -- \
        sh -c "$(measured /dev/stdout /dev/stderr)" 2>&1 >"$work/data"
      ;;
    qemu)
      measured /dev/vport0p1 /dev/console >"$work/script"
      qemu-system-x86_64 -M microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on \
        -enable-kvm -cpu $cpu -m "$mem" -nodefaults -no-user-config -no-reboot -display none -serial stdio \
        -device virtio-serial-device -chardev file,id=c,path="$work/data" -device virtserialport,chardev=c \
        -kernel $images/vmlinux -initrd $images/initramfs.cpio \
        -append "console=ttyS0 panic=-1 quiet reboot=t $software jkvm.run=\"$(cat "$work/script")\""
      ;;
  esac
}
for round in $(seq 1 "$rounds"); do
  for way in ${ONLY:-jkvm qemu}; do
    one $way >"$work/output" </dev/null
    [ "$(stat -c %s "$work/data")" = $((megabytes << 20)) ] || { tail "$work/output" >&2 && exit 1; }
    tr -d '\r' <"$work/output" | awk '$1 == "TIME" { printf "%.2f\n", $3 - $2 }' >>"$work/$way"
    echo "round $round: $way $(tail -n 1 "$work/$way") s" >&2
  done
done
for way in ${ONLY:-jkvm qemu}; do
  printf '%-6s median %s s (%s to %s) for %d MiB\n' $way \
    "$(sort -n "$work/$way" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }')" \
    "$(sort -n "$work/$way" | head -n 1)" "$(sort -n "$work/$way" | tail -n 1)" "$megabytes"
done
