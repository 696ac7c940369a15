#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# test-command.sh [ROUNDS]: wall time of 'jkvm test -- true' beside the boot of the same kernel with
# the same memory: bare, with a first process that only resets the machine, and as the default guest
# with the command 'true'. With VNG=/path/to/vng also 'vng -- true', which starts QEMU. In turns, so
# that a change in the machine's speed meets all alike; medians at the end.
# Needs: make, make default-guest, gcc, cpio; for vng what that needs.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
mem=${MEM:-256M}
images=guest-images/build
jkvm=launcher/target/jkvm/bin/jkvm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/root"
cat >"$work/init.c" <<'C'
void _start(void)
{
	/* sync(); reboot(RB_AUTOBOOT) */
	__asm__ volatile("syscall" :: "a"(162) : "rcx", "r11", "memory");
	register long r10 __asm__("r10") = 0;
	__asm__ volatile("syscall" :: "a"(169), "D"(0xfee1deadL), "S"(672274793L), "d"(0x01234567L),
			 "r"(r10) : "rcx", "r11", "memory");
	for (;;)
		;
}
C
gcc -O2 -static -nostdlib -o "$work/root/init" "$work/init.c"
(cd "$work/root" && echo init | cpio -o -H newc --quiet -R 0:0) >"$work/bare.cpio"

software='nokaslr mitigations=off noxsave rodata=off clearcpuid=cx16,erms,fsrm,popcnt,smap,smep no_timer_check'
grep -qE '\b(vmx|svm)\b' /proc/cpuinfo && software=
run() { $jkvm run --quiet --mem "$mem" --kernel $images/bzImage --cmdline "quiet $2" --initrd "$1"; }
declare -A way=(
  [bare]="run $work/bare.cpio ''"
  [default-guest]="run $images/initramfs.cpio 'jkvm.run=\"true\"'"
  [test-true]="$jkvm test --mem $mem --root initramfs -k $images/bzImage -- true"
  [test-sh]="$jkvm test --mem $mem --root initramfs -k $images/bzImage -- sh -c true"
  [test-host]="$jkvm test --mem $mem --root host -k $images/bzImage -- true"
  [vng]="${VNG:-vng} --run $images/bzImage --memory $mem --cpus 1 --append '$software' ${VNG_OPTIONS:-} -- true"
)
names=(${ONLY:-bare default-guest test-true test-sh test-host ${VNG:+vng}})

results=$work/results
mkdir "$results"
for round in $(seq 0 "$rounds"); do # round 0 warms the page cache and is not counted
  for name in "${names[@]}"; do
    begin=$EPOCHREALTIME
    status=0
    eval "${way[$name]}" >"$work/output" 2>&1 </dev/null || status=$?
    end=$EPOCHREALTIME
    [ $status = 0 ] || { cat "$work/output" >&2 && echo "test-command: $name ended with $status" >&2; exit 1; }
    seconds=$(awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.3f\n", b - a }')
    echo "round $round: $name $seconds s" >&2
    [ "$round" = 0 ] || echo "$seconds" >>"$results/$name"
  done
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
printf '%-14s %8s %8s %8s   %s\n' what min median max "less ${names[0]}, median of the rounds"
for name in "${names[@]}"; do
  paste "$results/${names[0]}" "$results/$name" | awk '{ print $2 - $1 }' >"$results/difference"
  printf '%-14s %8s %8.3f %8s   %+.3f s\n' "$name" "$(sort -n "$results/$name" | head -1)" \
    "$(median "$results/$name")" "$(sort -n "$results/$name" | tail -1)" "$(median "$results/difference")"
done
