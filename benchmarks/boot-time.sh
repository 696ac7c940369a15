#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# boot-time.sh [ROUNDS]: wall time from the start of the process to the first line of the guest's
# init, for jkvm's boot ways and QEMU microvm on the same kernel, initrd and memory. One after the
# other in each round, so that a change in the machine's speed meets all alike; medians at the end.
# Needs: make, make guest-images, qemu-system-x86.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
mem=${MEM:-64M}
images=guest-images/build
jkvm=launcher/target/jkvm/bin/jkvm
mark='Linux is up'
# What the local KVM needs is on both command lines; QEMU has no keyboard controller here.
software='nokaslr mitigations=off noxsave rodata=off clearcpuid=cx16,erms,fsrm,popcnt,smap,smep no_timer_check'
grep -qE '\b(vmx|svm)\b' /proc/cpuinfo && software=
line="console=ttyS0 panic=-1 pci=off $software quiet"
cpu=host
[ -z "$software" ] || cpu=host,-arch-capabilities,-cx16

qemu() { # -kernel FILE ...
  exec qemu-system-x86_64 -M microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on \
    -enable-kvm -cpu "$cpu" -m "$mem" -nodefaults -no-user-config -no-reboot -display none \
    -serial stdio -initrd $images/initramfs.cpio -append "$line reboot=t" "$@"
}
ours() { # --boot=...
  exec $jkvm run --quiet --mem "$mem" --kernel $images/bzImage --initrd $images/initramfs.cpio \
    --cmdline-only "$line reboot=k" "$@"
}
declare -A run=(
  [jkvm-direct]='ours --boot=direct'
  [jkvm-bzimage]='ours --boot=bzimage'
  [jkvm-bios]='ours --boot=bios'
  [qemu-bzimage]="qemu -kernel $images/bzImage"
  [qemu-elf]="qemu -kernel $images/vmlinux"
)
names=(${ONLY:-jkvm-direct qemu-elf qemu-bzimage jkvm-bzimage jkvm-bios})

once() { # NAME: prints seconds
  local begin=$EPOCHREALTIME text end= pid
  exec {out}< <(eval "${run[$1]}" 2>&1 </dev/null)
  pid=$!
  while IFS= read -r -t 180 text <&$out; do
    case $text in *"$mark"*) end=$EPOCHREALTIME; break ;; esac
  done
  kill -KILL $pid 2>/dev/null || true
  exec {out}<&-
  wait $pid 2>/dev/null || true
  [ -n "$end" ] || { echo "boot-time: $1 never came up" >&2; exit 1; }
  awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.3f\n", b - a }'
}

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for round in $(seq 0 "$rounds"); do # round 0 warms the page cache and is not counted
  for name in "${names[@]}"; do
    seconds=$(once "$name")
    echo "round $round: $name $seconds s" >&2
    [ "$round" = 0 ] || echo "$seconds" >>"$results/$name"
  done
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
printf '%-14s %8s %8s %8s   %s\n' way min median max 'jkvm-direct / this, median of the pairs'
for name in "${names[@]}"; do
  paste "$results/${names[0]}" "$results/$name" | awk '{ print $1 / $2 }' >"$results/ratio"
  printf '%-14s %8s %8.3f %8s   %.3f\n' "$name" "$(sort -n "$results/$name" | head -1)" \
    "$(median "$results/$name")" "$(sort -n "$results/$name" | tail -1)" "$(median "$results/ratio")"
done
