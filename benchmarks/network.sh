#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# network.sh [ROUNDS [SECONDS]]: a guest's network with jkvm and with QEMU, in turn, on the same tap
# (QEMU without vhost) and through passt: TCP throughput with one and four streams both ways,
# request/response rate, rate of 64-byte datagrams both ways, each for SECONDS. One guest a
# round does all tests of its column. Same kernel, initrd, memory, one vCPU. Prints medians and
# ratios as a Markdown table, then the processor time that the hypervisor took for it.
# Needs root: everything is in a network namespace of its own, which ends with the script.
#   VMMS="jkvm qemu" BACKENDS="tap passt" TESTS="tcp1-out ..."   do less
# Needs: make, guest-images/build.sh all network-tools, qemu-system-x86, iperf3, sockperf, passt.
# It runs in the test bed as well, on kvm_amd in an emulated machine:
#   test-bed/run -t 3600 -w /usr/bin/qemu-system-x86_64 -w /usr/share/qemu -w /usr/share/seabios \
#     -w /usr/bin/iperf3 -w /usr/bin/sockperf -s benchmarks/network.sh [ROUNDS [SECONDS]]
set -eu
rounds=${1:-3}
seconds=${2:-3}
vmms=${VMMS:-jkvm qemu}
backends=${BACKENDS:-tap passt}
all='tcp1-out tcp1-in tcp4-out tcp4-in requests udp64-out udp64-in'
tests=${TESTS:-$all}
export LC_ALL=C

if [ -d /jkvm ] && [ -d /images ]; then
  images=/images jkvm=/jkvm/bin/jkvm software=
  export JKVM_JAVA_OPTIONS="${JKVM_JAVA_OPTIONS:--XX:CompileThresholdScaling=5}"
else
  cd "$(dirname "$0")/.."
  images=$PWD/guest-images/build jkvm=$PWD/launcher/target/jkvm/bin/jkvm
  if [ "${NETWORK_SH_INSIDE:-}" != y ]; then
    [ "$(id -u)" = 0 ] || { echo "network: needs root, for a network namespace" >&2 && exit 3; }
    NETWORK_SH_INSIDE=y exec unshare --net --kill-child --fork "benchmarks/$(basename "$0")" "$@"
  fi
  software=y
  ! grep -qE '\b(vmx|svm)\b' /proc/cpuinfo || software=
fi
for file in "$images/vmlinux" "$images/initramfs.cpio" "$images/network-tools.cpio"; do
  [ -r "$file" ] || { echo "network: no $file; run guest-images/build.sh all network-tools" >&2 && exit 3; }
done
for program in iperf3 sockperf; do
  command -v $program >/dev/null || { echo "network: no $program; install that package" >&2 && exit 3; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/jkvm-network.XXXXXX")
chmod 755 "$work"
mkdir -m 1777 "$work/sockets" # passt makes its socket as nobody
children=
clean_up() {
  status=$?
  trap '' HUP INT TERM
  # shellcheck disable=SC2086
  [ -z "$children" ] || kill -KILL $children 2>/dev/null || true
  rm -rf "$work"
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
fail() {
  echo "network: $*" >&2
  exit 1
}

# --- the guest's side ---------------------------------------------------------------------------
# Each test says begin, runs, says end and its result: Mbit/s, or how many a second.
mkdir -p "$work/guest/bench"
cat >"$work/guest/bench/run" <<'END'
server=$1 seconds=$2 slow=$3
shift 3
# iperf3's sum of all streams, or its only stream, as the receiver counted it.
throughput() { awk '/receiver/ && ($1 == "[SUM]" || !sum) { sum = $1 == "[SUM]"
  for (i = 2; i <= NF; i++) if ($i == "Mbits/sec") v = $(i - 1) } END { print v }'; }
# Datagrams sent less those lost, by the time that it took.
datagrams() { awk '/receiver/ { for (i = 2; i <= NF; i++) { if ($i ~ /^[0-9]+\/[0-9]+$/) split($i, n, "/")
  if ($i ~ /^[0-9.]+-[0-9.]+$/) split($i, t, "-") } } END { if (t[2] > 0) printf "%.0f\n", (n[2] - n[1]) / (t[2] - t[1]) }'; }
requests() { awk '/Valid Duration/ { gsub(/[=;]/, " "); for (i = 1; i < NF; i++) { if ($i == "RunTime") t = $(i + 1)
  if ($i == "ReceivedMessages") n = $(i + 1) } } END { if (t > 0) printf "%.0f\n", n / t }'; }
# An interpreted guest is busy for minutes with what is in flight by default.
case $slow in
  y) tcp_options='-l 16K -w 128K' udp_rate=1M ;;
  *) tcp_options= udp_rate=0 ;;
esac
tcp() { iperf3 -c $server -f m -O 1 -t $seconds $tcp_options "$@"; }
udp() { iperf3 -c $server -f m -u -l 64 -b $udp_rate -t $seconds "$@"; }
for test; do
  case $test in
    tcp1-out) set -- throughput tcp ;;
    tcp1-in) set -- throughput tcp -R ;;
    tcp4-out) set -- throughput tcp -P 4 ;;
    tcp4-in) set -- throughput tcp -P 4 -R ;;
    requests) set -- requests sockperf ping-pong -i $server -p 5202 --tcp -m 64 -t $seconds ;;
    udp64-out) set -- datagrams udp ;;
    udp64-in) set -- datagrams udp -R ;;
  esac
  parser=$1
  shift
  echo "begin $test"
  "$@" >/tmp/out 2>&1
  result=$($parser </tmp/out)
  echo "end $test $result"
  [ "$result" ] || { sed 's/^/failed: /' /tmp/out | tail -n 5; }
done
echo finished
END
(cd "$work/guest" && find bench | cpio -o -H newc) >"$work/bench.cpio" 2>/dev/null
cat "$images/initramfs.cpio" "$images/network-tools.cpio" "$work/bench.cpio" >"$work/initrd"

# --- the hypervisors ----------------------------------------------------------------------------
line='console=ttyS0 panic=-1 quiet'
cpu=host
if [ "$software" ]; then
  line="$line nokaslr mitigations=off noxsave rodata=off no_timer_check"
  line="$line clearcpuid=cx16,erms,fsrm,popcnt,smap,smep"
  cpu=host,-arch-capabilities,-cx16
fi

start_vmm() { # VMM, backend; its output goes to the file descriptor 1
  case $2 in
    tap) server=192.168.77.1 address=192.168.77.2/24 ;;
    passt) server=10.0.2.2 address=10.0.2.15/24,10.0.2.2 ;;
  esac
  these=$tests
  # Debian 12's passt breaks iperf3's control connection in this one, whoever has the guest.
  [ "$2" != passt ] || these=$(echo "$tests" | sed 's/udp64-in//')
  run="$line jkvm.ip=$address jkvm.run=\"sh /bench/run $server $seconds ${software:-n} $these\""
  case $1,$2 in
    jkvm,tap) set -- jkvm --net tap=tap0 ;;
    jkvm,passt) set -- jkvm --net "passt=$socket" ;;
    qemu,tap) set -- qemu -netdev tap,id=n,ifname=tap0,script=no,downscript=no,vhost=off ;;
    qemu,passt) set -- qemu -netdev "stream,id=n,server=off,addr.type=unix,addr.path=$socket" ;;
  esac
  vmm=$1
  shift
  case $vmm in
    jkvm)
      exec $jkvm run --quiet --mem 128M --kernel "$images/bzImage" --initrd "$work/initrd" \
        --cmdline-only "$run reboot=k" "$@"
      ;;
    qemu)
      exec qemu-system-x86_64 -M pc -enable-kvm -cpu $cpu -m 128 -nodefaults -no-user-config \
        -no-reboot -display none -serial stdio -kernel "$images/vmlinux" -initrd "$work/initrd" \
        -append "$run reboot=t" "$@" -device virtio-net-pci,netdev=n,romfile=
      ;;
  esac
}

ticks() { # process: hundredths of a second of processor time, all threads
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || { echo 0 && return; }
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  echo $((${12} + ${13}))
}

once() { # VMM, backend, round
  socket=
  if [ "$2" = passt ]; then
    socket=$work/sockets/$1-$3
    # No default route here: it takes what it would look for there from the command line.
    passt -f -q -s "$socket" -i lo -4 -a 10.0.2.15 -n 24 -g 10.0.2.2 -M 9a:55:9a:55:9a:55 \
      -t none -u none >"$work/passt.log" 2>&1 &
    passt=$!
    children="$servers $passt"
    tries=0
    until [ -S "$socket" ]; do
      tries=$((tries + 1))
      [ $tries -lt 50 ] || fail "passt does not start: $(cat "$work/passt.log")"
      sleep 0.1
    done
  fi
  rm -f "$work/console"
  mkfifo "$work/console"
  (start_vmm "$1" "$2") </dev/null >"$work/console" 2>&1 &
  pid=$!
  children="$children $pid"
  (sleep $((60 + 12 * (seconds + 3))) && kill -KILL $pid) 2>/dev/null >/dev/null &
  watch=$!
  children="$children $watch"
  finished=
  : >"$work/said"
  while read -r word test value; do
    value=${value%"$(printf '\r')"}
    case $word in
      begin) begin=$(ticks $pid) ;;
      end)
        end=$(ticks $pid)
        [ -z "$value" ] || echo "$1 $2 $test $value $((end - begin))" >>"$work/results"
        echo "round $3: $2, $1, $test: ${value:-failed}, $((end - begin))0 ms of processor time" >&2
        ;;
      finished*) finished=y ;;
      *) echo "$word $test $value" | tee -a "$work/said" | grep '^failed' >&2 || : ;;
    esac
  done <"$work/console"
  kill $watch 2>/dev/null || :
  wait $pid || :
  [ -z "$socket" ] || { kill $passt 2>/dev/null && wait $passt || :; }
  children=$servers
  [ "$finished" ] || fail "$1 with $2 did not finish; the end of its output: $(tail -n 5 "$work/said")"
}

# --- servers, tap, rounds -----------------------------------------------------------------------
ifconfig lo 127.0.0.1 2>/dev/null || ip link set lo up
if ! ip tuntap add tap0 mode tap 2>/dev/null; then tunctl -t tap0 >/dev/null || fail "can't make tap0"; fi
ip address add 192.168.77.1/24 dev tap0
ip link set tap0 up
iperf3 -s >/dev/null 2>&1 &
servers=$!
sockperf server -i 0.0.0.0 -p 5202 --tcp >/dev/null 2>&1 &
servers="$servers $!"
children=$servers

: >"$work/results"
round=1
while [ $round -le "$rounds" ]; do
  for backend in $backends; do
    for vmm in $vmms; do once "$vmm" "$backend" $round; done
  done
  round=$((round + 1))
done

column() { # VMM, backend, test, field: its median, or a dash
  awk -v a="$1" -v b="$2" -v c="$3" -v f="$4" '$1 == a && $2 == b && $3 == c { print $f }' "$work/results" |
    sort -n | awk '{ v[NR] = $1 } END { print NR ? (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) : "-" }'
}
ratio() { # a, b
  awk -v a="$1" -v b="$2" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-" }'
}
describe() { # test: words and unit
  case $1 in
    tcp1-out) echo 'TCP, 1 stream, guest to host, Mbit/s' ;;
    tcp1-in) echo 'TCP, 1 stream, host to guest, Mbit/s' ;;
    tcp4-out) echo 'TCP, 4 streams, guest to host, Mbit/s' ;;
    tcp4-in) echo 'TCP, 4 streams, host to guest, Mbit/s' ;;
    requests) echo 'requests of 64 bytes over TCP, a second' ;;
    udp64-out) echo '64-byte datagrams, guest to host, a second' ;;
    udp64-in) echo '64-byte datagrams, host to guest, a second' ;;
  esac
}
echo
echo "Medians of $rounds rounds of $seconds s; CPU is the processor time of the hypervisor's process"
echo "(user, system and guest) during the test, in s."
echo
echo '| backend | what | jkvm | QEMU | jkvm / QEMU | jkvm CPU | QEMU CPU |'
echo '|---|---|---|---|---|---|---|'
for backend in $backends; do
  for test in $tests; do
    a=$(column jkvm "$backend" "$test" 4) b=$(column qemu "$backend" "$test" 4)
    c=$(column jkvm "$backend" "$test" 5) d=$(column qemu "$backend" "$test" 5)
    echo "| $backend | $(describe "$test") | $a | $b | **$(ratio "$a" "$b")** |" \
      "$(echo "$c" | awk '{ print ($1 == "-") ? $1 : $1 / 100 }') |" \
      "$(echo "$d" | awk '{ print ($1 == "-") ? $1 : $1 / 100 }') |"
  done
done
