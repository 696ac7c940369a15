#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh: the disk, the network and what an exit costs, under jkvm and QEMU's microvm with a guest of
# our own (guest-images/bench), and fio on the bare host beside it. The network is a Unix socket, on
# whose other side this benchmark takes frames and sends them back. Prints tables; writes
# benchmarks/results/NAME.json and NAME.svg. Also 'make bench'. Settings are variables:
#   ROUNDS=5      how often everything is measured
#   SHORT=1       few and small steps, one round: whether it works, not how fast
#   ONLY=REGEX    these contenders alone: jkvm, qemu-threads, qemu-io_uring,
#                 qemu-direct-native, qemu-direct-io_uring, fio, fio-direct
#   JKVM_DISKS=   jkvm's disks, name and options of each, as in 'jkvm= jkvm-calm=,poll=off'
#   OTHER_JKVM=   the bin/jkvm of another build, to be measured beside this one: other-jkvm
#   STEPS=REGEX   these steps alone, such as 'cold-.*'
#   FOLDER=DIR    where the disk's file is made, 1 GiB (default: /var/tmp)
#   NAME=disk     of the results
# Needs /dev/kvm, gcc, make, a JDK and Maven; installs fio and QEMU where it may.
set -euo pipefail
cd "$(dirname "$0")/.."
.ci/require.sh javac=default-jdk-headless mvn=maven gcc=gcc fio=fio fincore=util-linux-extra \
  qemu-system-x86_64=qemu-system-x86
guest-images/build.sh bench
make all
mvn -q -B -ntp process-classes -pl benchmarks -am
folder=${FOLDER:-/var/tmp}
case $(stat -f -c %T "$folder") in
  tmpfs | ramfs) echo "bench: $folder is memory, not a disk; choose another with FOLDER=DIR" >&2 && exit 2 ;;
esac
work=$(mktemp -d "$folder/jkvm-bench.XXXXXX")
bench=
clean_up() {
  status=$?
  trap '' HUP INT TERM
  # The whole group: a machine goes on without its console.
  [ -z "$bench" ] || kill -- -"$bench" 2>/dev/null || :
  rm -rf "$work"
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
set -m # a process group of its own
"${java:-java}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  -cp "benchmarks/target/classes:$(cat benchmarks/target/class-path)" io.jkvm.benchmarks.Main "$PWD" "$work" </dev/null &
bench=$!
set +m
status=0
wait $bench || status=$?
exit $status
