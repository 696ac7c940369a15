#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# polling.sh [ROUNDS]: what a disk's polling costs others. Two machines at once, each with the guest
# of guest-images/bench that never lets go of its processor, with polling and without, in turn: the
# time of a request in both, and of the two the mean. Then what the disk's thread of a Linux guest
# uses in ten idle seconds after it was busy, with polling.
# Needs /dev/kvm, perl, and what 'make all' and 'guest-images/build.sh bench' have made.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
jkvm=launcher/target/jkvm/bin/jkvm
images=guest-images/build
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || :; rm -rf "$work"' EXIT

# 64 MiB in which each word says where it is; both machines read the same file.
perl -e 'use integer; my $word = 0;
  for (1 .. 64) { my $block = "";
    for (1 .. 131072) { $word += -7046029254386353131; $block .= pack("q<", $word) }
    print $block }' >"$work/disk"

steps='disk,warm-up,100,random,4096,8,20000,0;disk,depth1,100,random,4096,1,100000,0;disk,depth8,100,random,4096,8,100000,0;end'
two() { # options of the disk: cycles of a request in both machines, by step
  local machine pid pids=() poll=${1:-,poll=on}
  for machine in 1 2; do
    "$jkvm" run --virtio=mmio --kernel "$images/bench.elf" --disk "$work/disk,ro$1" \
      --cmdline-only "bench.steps=$steps" </dev/null >"$work/out$machine" 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || :; done
  if [ "$(grep -h '^result depth' "$work/out1" "$work/out2" | wc -l)" != 4 ]; then
    tail -n 5 "$work/out1" "$work/out2" >&2
    echo "polling.sh: not both machines have done their steps" >&2
    exit 1
  fi
  awk -v poll="${poll#,}" '/^result depth/ { sum[$2] += $3; n[$2]++; all[$2] = all[$2] " " $3 }
    END { for (step in sum) printf "%s %s: %d cycles (%s )\n", step, poll, sum[step] / n[step], all[step] }' \
    "$work/out1" "$work/out2" | sort | tee -a "$work/all"
}
for ((round = 1; round <= rounds; round++)); do
  if ((round % 2)); then two "" && two ,poll=off; else two ,poll=off && two ""; fi
done
median() { sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'; }
for step in depth1 depth8; do
  for poll in on off; do
    printf '%s, two machines, poll=%s, median of %d rounds: %d cycles\n' $step $poll "$rounds" \
      "$(awk -v key="$step poll=$poll:" 'index($0, key) == 1 { print $3 }' "$work/all" | median)"
  done
done

cp --sparse=always "$images/rootfs.img" "$work/root"
"$jkvm" run --quiet --kernel "$images/bzImage" --mem 64M --disk "$work/root" \
  --cmdline 'quiet jkvm.run="cat /dev/vda >/dev/null; echo idle; sleep 1000"' </dev/null >"$work/linux" 2>&1 &
until grep -q '^idle' "$work/linux"; do sleep 0.2; done
used() { # nanoseconds on a processor of all of its threads but the vCPU's, by name
  local task
  for task in /proc/"$(pgrep -f "Main run .*$work/root")"/task/*; do
    echo "$(tr ' ' '_' <"$task/comm") $(cut -d ' ' -f 1 "$task/schedstat")"
  done | grep -v vcpu | sort
}
used >"$work/before"
sleep 10
used >"$work/after"
echo "in ten idle seconds, ms of processor time by thread:"
paste "$work/before" "$work/after" | awk '$1 == $3 { sum[$1] += ($4 - $2) / 1e6 }
  END { for (name in sum) if (sum[name] > 0.01) printf "  %-16s %.2f\n", name, sum[name] }' | sort
