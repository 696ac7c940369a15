#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Time from the start of the process to the first line of the guest's init, inside the test bed:
# jkvm's boot ways and QEMU's machines on the same kernel, initrd and memory, in turn. Started with
#   test-bed/run -t 1500 -w /usr/bin/qemu-system-x86_64 -w /usr/share/qemu -w /usr/share/seabios \
#     -s benchmarks/bed-boot-time.sh [ROUNDS]
rounds=${1:-3}
images=/images
mark='jkvm: Linux is up'
line='console=ttyS0 panic=-1 quiet'
export JKVM_JAVA_OPTIONS=-XX:CompileThresholdScaling=5

now() { # hundredths of a second
  read -r up _ </proc/uptime
  echo "${up%.*}${up#*.}"
}

once() { # name, command...
  name=$1
  shift
  rm -f /run/pipe
  mkfifo /run/pipe
  start=$(now)
  "$@" </dev/null >/run/pipe 2>&1 &
  pid=$!
  end=
  while read -r text; do
    case $text in *"$mark"*) end=$(now) && break ;; esac
  done </run/pipe
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  echo "$name ${end:+$((end - start))}"
}

ours() { # name, options
  name=$1
  shift
  once "$name" /jkvm/bin/jkvm run --quiet --mem 64M --kernel $images/bzImage \
    --initrd $images/initramfs.cpio --cmdline-only "$line pci=off reboot=k" "$@"
}
qemu() { # name, options
  name=$1
  shift
  once "$name" qemu-system-x86_64 -enable-kvm -cpu host -m 64 -nodefaults -no-user-config -no-reboot \
    -display none -serial stdio -initrd $images/initramfs.cpio "$@"
}

round=0
while [ $round -le "$rounds" ]; do # round 0 warms up and is not counted
  for way in direct bzimage bios; do ours "jkvm-$way" --boot $way; done
  microvm=microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on
  qemu qemu-microvm-elf -M $microvm -kernel $images/vmlinux -append "$line pci=off reboot=t"
  qemu qemu-microvm-bzimage -M $microvm -kernel $images/bzImage -append "$line pci=off reboot=t"
  qemu qemu-pc-bzimage -M pc -kernel $images/bzImage -append "$line reboot=k"
  round=$((round + 1))
done | tee /run/times
echo "medians in seconds, $rounds rounds:"
for name in $(cut -d' ' -f1 /run/times | sort -u); do
  grep "^$name " /run/times | tail -n "$rounds" | cut -d' ' -f2 | sort -n |
    awk -v name="$name" '{ v[NR] = $1 } END { printf "%-22s %.2f\n", name, v[int((NR + 1) / 2)] / 100 }'
done
! grep -q ' $' /run/times
