#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests.sh [-v] [all | quick | network | rescan | vectors | ends [WORD] | button | testing [WORD] | repeat N]: runs
# in the outer machine. Boots guests, prints a line for each and the sum; exit status 0 if all passed, else 1. The
# kernel's command line, of which Linux makes process 1's environment, has bed_restarts, the number of outer machines
# before this one, bed_done, the number of tests that they have done, which are left out, bed_failed, of these, and bed_retried, of guests.

jkvm=/jkvm/bin/jkvm
images=/images
options= # for every guest
small_limit=60 # seconds
stock_limit=120
transports='pci mmio' # the first is what jkvm does without the option
small_cpu_counts='1 2'
stock_cpu_counts='1 2'
# An emulated CPU runs what it compiles a second time: better to compile less.
export JKVM_JAVA_OPTIONS=-XX:CompileThresholdScaling=5

verbose=
[ "${1:-}" != -v ] || { verbose=yes && shift; }
what=${1:-all}

now() { # hundredths of a second
  read -r up _ </proc/uptime
  echo "${up%.*}${up#*.}"
}

only=
failed=${bed_failed:-0}
passed=$((${bed_done:-0} - failed))
retried=${bed_retried:-0}
position=0
output=/run/output
: >$output
is_done() { # before each test
  position=$((position + 1))
  [ $position -le "${bed_done:-0}" ]
}
verdict() { # problem or nothing, name, start
  hundredths=$(($(now) - $3))
  took="$((hundredths / 100)).$((hundredths / 10 % 10)) s"
  if [ -z "$1" ]; then
    passed=$((passed + 1))
    echo "ok $((passed + failed)) - $2 ($took)"
    return
  fi
  failed=$((failed + 1))
  echo "not ok $((passed + failed)) - $2 ($took): $1"
  [ -n "$verbose" ] || tail -n 60 $output | sed 's/^/#  /'
  # Every boot has this WRMSR: Linux tries a performance counter.
  dmesg | grep -E 'kvm|SVM|Oops|BUG:|Out of memory' | grep -v 'Unhandled WRMSR(0xc0010007)' |
    tail -n 10 | sed 's/^/#  outer: /'
}

# Like boot_once, and once more where the emulation has broken down (README.md): now and then it makes
# a triple fault or a panic of a sound guest, as it resets the outer machine or has its kernel warn of
# a state that no kernel gets into by itself. Two in a row are a failure.
boot() {
  complaints=$(outer_complaints)
  boot_once "$@"
  [ "$status" != 4 ] || ! broken_down "$complaints" || boot_once "$@"
}
# Whether a guest's end was the emulation's, which is said and counted.
broken_down() { # complaints of the outer kernel before
  # Of EFLAGS a processor has 22 bits.
  broken=$(grep -aoE -m 1 'guest triple fault|Fatal exception in interrupt|EFLAGS: (0?[1-9a-f]|00[4-9a-f])[0-9a-f]{5,}' $output) || :
  [ "$(outer_complaints)" = "$1" ] || broken="${broken:-guest kernel panic}, the outer kernel warns too"
  [ -n "$broken" ] || return 1
  echo "# $broken, status $status; once more"
  retried=$((retried + 1))
}
outer_complaints() { # how often the outer kernel has said that its own state is wrong
  dmesg | grep -cE 'cut here|Oops|BUG:' || :
}

# Boots a guest: sets problem unless it ended with status 0 and printed each of the words.
# A JVM that outlives its own time limit is asked for the stacks of its threads, then killed.
boot_once() { # limit, words that the output must have (one a line), arguments
  limit=$1 words=$2
  shift 2
  # shellcheck disable=SC2086
  if [ -n "$verbose" ]; then
    { timeout -s QUIT -k 10 $((limit + 10)) $jkvm run $options --timeout "${limit}s" "$@" 2>&1
      echo $? >/run/status; } </dev/null | tee $output
  else
    timeout -s QUIT -k 10 $((limit + 10)) $jkvm run $options --timeout "${limit}s" "$@" \
      </dev/null >$output 2>&1
    echo $? >/run/status
  fi
  read -r status </run/status
  check
}

# Sets problem by status, words and output.
check() {
  problem=
  [ "$status" = 0 ] || problem="status $status"
  while read -r word; do
    grep -qF -- "$word" $output || problem="${problem:+$problem, }no '$word'"
  done <<END
$words
END
}

small() { # boot way, transport, CPUs
  ! is_done || return 0
  start=$(now)
  kernel=bzImage way=$1
  [ "$way" != elf ] || { kernel=vmlinux && way=direct; }
  [ "$3" = 1 ] || kernel=$kernel-smp
  boot $small_limit "jkvm: Linux is up
cpus=$3
disk=67108864
, 0 wrong" \
    --boot "$way" --virtio "$2" --cpus "$3" \
    --kernel $images/$kernel --disk $images/rootfs.img,ro --mem 64M \
    --cmdline 'quiet jkvm.run="echo cpus=$(nproc) disk=$(($(cat /sys/block/vda/size)*512)); vectors 400 4"' || :
  verdict "$problem" "small kernel, $1, $2, $3 CPU" "$start"
}

# What the guest does: writes to its root disk, proves that programs keep their registers, and shows its interrupts,
# what its processor and machine are, and every message about ACPI and PCI that is a warning or worse. No double
# quotes: it is inside of some.
stock_command='echo cpus=$(nproc); echo disk >/root/f; sync; echo $(cat /root/f) works; vectors 2000 4; cat /proc/interrupts
dmesg | grep -m1 [E]vents:; grep -m1 ^flags /proc/cpuinfo; echo product: $(cat /sys/class/dmi/id/product_name)
dmesg -r | grep ^.[0-4]. | grep -iE acpi\|pci | sed s/^/complaint:/'
stock_command=$(echo "$stock_command" | tr '\n' ';')
stock() { # boot way, transport, CPUs
  ! is_done || return 0
  start=$(now)
  cp $images/rootfs.img /run/disk.img
  case $2 in
    pci) interrupts=PCI-MSI ;;
    mmio) interrupts=IO-APIC ;;
  esac
  boot $stock_limit "jkvm: Linux is up
cpus=$3
disk works
, 0 wrong
reboot: Power down" \
    --boot "$1" --virtio "$2" --cpus "$3" \
    --kernel $images/stock-vmlinuz --initrd $images/stock-initrd.img --disk /run/disk.img \
    --cmdline "quiet root=/dev/vda rw jkvm.run=\"$stock_command\""
  grep -q "$interrupts.*virtio" $output || problem="${problem:+$problem, }no $interrupts of virtio"
  ! grep -q '^complaint:' $output || problem="${problem:+$problem, }$(grep -c '^complaint:' $output) complaints"
  grep -q '^flags.* hypervisor' $output || problem="${problem:+$problem, }no hypervisor in the processor's flags"
  ! grep -qE '^flags.* (svm|vmx|sgx|arch_perfmon|perfctr_core|pdcm)( |.?$)' $output ||
    problem="${problem:+$problem, }more than a minimal processor: $(grep ^flags $output)"
  grep -q 'Performance Events: .*software events only' $output || problem="${problem:+$problem, }performance counters"
  grep -q '^product: jkvm' $output || problem="${problem:+$problem, }$(grep ^product: $output) is not jkvm"
  verdict "$problem" "stock kernel, $1, $2, $3 CPU" "$start"
  rm -f /run/disk.img
}

# Like boot, but in the background: once the guest says ready, a function talks to it and prints
# what is wrong; the guest is to end by itself then.
boot_and_talk() { # function, then as boot
  talk=$1 limit=$2 words=$3
  shift 3
  # shellcheck disable=SC2086
  timeout -s QUIT -k 10 $((limit + 10)) $jkvm run $options --timeout "${limit}s" "$@" \
    </dev/null >$output 2>&1 &
  guest=$!
  while kill -0 $guest 2>/dev/null && ! grep -q ^ready $output; do sleep 0.1; done
  said=
  if kill -0 $guest 2>/dev/null; then
    said=$($talk 2>&1)
    [ -z "$said" ] || kill $guest 2>/dev/null
  fi
  status=0
  wait $guest || status=$?
  [ -z "$verbose" ] || cat $output
  check
  [ -z "$said" ] || problem="$said${problem:+, $problem}"
}

# --- through passt: DHCP, a published port to the guest's web server, another to end it --------
talk_user() {
  # Not wget's -T: with it this busybox crashes.
  timeout 20 wget -q -O - http://127.0.0.1:8080/ 2>/run/error |
    grep -qF 'web server in a guest' || echo "no page $(cat /run/error)"
  # passt accepts before the guest listens.
  tries=0
  until grep -qF 'reboot:' $output; do
    tries=$((tries + 1))
    [ $tries -lt 20 ] || { echo 'the guest does not end by port 8081' && break; }
    nc 127.0.0.1 8081 </dev/null >/dev/null 2>&1
    sleep 0.5
  done
}
network_user() { # transport
  ! is_done || return 0
  start=$(now)
  boot_and_talk talk_user $small_limit "inet addr:10.0.2.15" \
    --virtio "$1" --kernel $images/bzImage --disk $images/rootfs.img,ro --mem 64M \
    --net user --publish 127.0.0.1:8080:80 --publish 127.0.0.1:8081:81 \
    --cmdline 'quiet jkvm.run="ifconfig eth0; echo ready; nc -l -p 81"' || :
  verdict "$problem" "network, small kernel, user, $1" "$start"
}

# --- on a tap: ping, then 10 MB to the guest and back ------------------------------------------
tap_command='echo ready; nc -l -p 5000 >/tmp/f; md5sum /tmp/f; nc -l -p 5001 </tmp/f'
talk_tap() {
  ifconfig tap0 192.168.77.1 netmask 255.255.255.0 up || echo 'no tap0'
  ping -q -c 5 192.168.77.2 | grep -q ' 0% packet loss' || echo 'packets of ping lost'
  nc 192.168.77.2 5000 </run/sent || echo 'sending failed'
  # The guest listens again only after its md5sum. A read end that never ends keeps nc reading.
  for try in 1 2 3 4 5 6 7 8 9 10; do
    nc 192.168.77.2 5001 <>/run/never >/run/returned 2>/run/error && break
    sleep 0.5
  done
  cmp /run/sent /run/returned || cat /run/error
}
network_tap() { # small|stock, transport
  ! is_done || return 0
  start=$(now)
  [ -e /run/sent ] || dd if=/dev/urandom of=/run/sent bs=1M count=10 2>/dev/null
  [ -p /run/never ] || mkfifo /run/never
  sum=$(md5sum </run/sent)
  case $1 in
    small)
      set -- "$@" $small_limit --kernel $images/bzImage --disk $images/rootfs.img,ro --mem 64M \
        --cmdline "quiet jkvm.ip=192.168.77.2/24 jkvm.run=\"$tap_command\""
      ;;
    stock)
      cp $images/rootfs.img /run/disk.img
      # Else the initrd's udev gives the card another name.
      set -- "$@" $stock_limit --kernel $images/stock-vmlinuz --initrd $images/stock-initrd.img \
        --disk /run/disk.img \
        --cmdline "quiet root=/dev/vda rw net.ifnames=0 jkvm.ip=192.168.77.2/24 jkvm.run=\"$tap_command\""
      ;;
  esac
  name="network, $1 kernel, tap, $2" transport=$2 time=$3
  shift 3
  boot_and_talk talk_tap "$time" "${sum%% *}" --virtio "$transport" --net tap=tap0 "$@" || :
  verdict "$problem" "$name" "$start"
  rm -f /run/disk.img
}

network_all() {
  for network_transport in $transports; do
    network_user "$network_transport"
    network_tap small "$network_transport"
  done
  network_tap stock "$first_transport"
}

# --- 50 times a PCI function is removed and found again by a rescan, while another is busy ---------
rescan_command='(while :; do dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null; done) & n=0
while [ $n -lt 50 ]; do echo 1 >/sys/bus/pci/devices/0000:00:02.0/remove; [ ! -e /dev/vdb ] || echo STILL THERE
echo 1 >/sys/bus/pci/rescan; until [ -b /dev/vdb ]; do :; done; sha256sum </dev/vdb; n=$((n+1)); done'
rescan_command=$(echo "$rescan_command" | tr '\n' ';')
rescan() { # kernel, CPUs, more of its command line
  ! is_done || return 0
  start=$(now)
  [ -e /run/removed.img ] || dd if=/dev/urandom of=/run/removed.img bs=64k count=1 2>/dev/null
  [ -e /run/busy.img ] || dd if=/dev/urandom of=/run/busy.img bs=1M count=1 2>/dev/null
  sum=$(sha256sum </run/removed.img)
  boot $stock_limit "jkvm: Linux is up" --cpus "$2" --mem 64M --kernel "$images/$1" \
    --initrd $images/initramfs.cpio --disk /run/busy.img,ro --disk /run/removed.img,ro \
    --cmdline "quiet root=/dev/ram0 $3 jkvm.run=\"$rescan_command\"" || :
  times=$(tr -d '\r' <$output | grep -cxF "$sum") || :
  [ "$times" = 50 ] || problem="${problem:+$problem, }$times of 50 rescans"
  ! grep -q 'STILL THERE' $output || problem="${problem:+$problem, }not removed"
  verdict "$problem" "PCI rescan, $1, $2 CPU${3:+, $3}" "$start"
}
rescans() {
  rescan bzImage 1 pci=assign-busses
  rescan bzImage-smp "$small_most" pci=nocrs
}

# --- each way in which a machine ends, as ends.tsv has it ---------------------------------------
# The host's part, in the background: waits for an output, then sends signals or types a key.
act() { # action, output to wait for
  until grep -qF -- "$2" $output; do sleep 0.1; done
  case $1 in
    ?) printf '\001%s' "$1" ;;
    *)
      read -r pid </run/pid
      kill -s "${1%% *}" "$pid"
      [ "$1" = "${1#* }" ] && return
      until grep -qF 'asked the guest to power off' $output; do sleep 0.1; done
      # It counts when the first is a second ago.
      while kill -s "${1#* }" "$pid" 2>/dev/null; do sleep 1; done
      ;;
  esac
}
end() { # how, kernel, more of its command line, guest's command, host's action, message, status
  case $2 in
    up) kernel=$images/bzImage ;;
    */*) kernel=$images/$2 ;;
    *) kernel=$images/bzImage-$2 ;;
  esac
  [ "$3" = - ] && line=quiet || line="quiet $3"
  [ "$4" = - ] || line="$line jkvm.run=\"$4\""
  host=${5%% after *} after=${5#* after } action='' limits='' target=$output
  case $host in '>'*) target=${host#>} && host= ;; esac
  for word in $host; do
    case $word in
      --*) limits="$limits $word" ;;
      *) action=${action:+$action }$word ;;
    esac
  done
  case $limits in *--grace=*) ;; *) limits="$limits --grace=600s" ;; esac
  case $limits in *--timeout=*) ;; *) limits="$limits --timeout=${small_limit}s" ;; esac
  [ "$after" != 'the guest runs' ] || limits="$limits --verbose"
  set -- "$7" "$6" $jkvm run $limits --mem=64M --kernel="$kernel" --initrd=$images/initramfs.cpio --cmdline="$line"
  wanted_status=$1 wanted=$2
  shift 2
  : >$output
  # The command itself is in the foreground: a shell has what it starts in the background ignore SIGINT.
  case $action in
    '' | -) "$@" </dev/null >"$target" 2>>$output ;;
    ?)
      printf "'%s' " "$@" >/run/command
      # Open for both, so that the keyboard never ends.
      exec 5<>/run/keys
      act "$action" "$after" >&5 &
      script -qec "$(cat /run/command)" /dev/null <&5 >>$output 2>&1
      ;;
    *)
      act "$action" "$after" &
      sh -c 'echo $$ >/run/pid; exec "$@"' sh "$@" </dev/null >>$output 2>&1
      ;;
  esac
  status=$?
}
ends() { # expression that a row must match
  [ -p /run/keys ] || mkfifo /run/keys
  tab=$(printf '\t')
  if ! grep -v '^#' /run/bed/ends.tsv | grep "$1" >/run/ends && ! is_done; then
    verdict "there is none" "rows with '$1'" "$(now)"
  fi
  while IFS=$tab read -r how row <&4; do
    ! is_done || continue
    start=$(now)
    IFS=$tab
    # shellcheck disable=SC2086
    set -- $row
    unset IFS
    end "$how" "$@"
    problem=
    [ "$status" = "$6" ] || problem="status $status, not $6"
    last=$(grep -a '^jkvm: ' $output | grep -v '^jkvm: \[' | tail -n 1)
    case $last in
      "jkvm: $5"*) ;;
      *) problem="${problem:+$problem, }'$last', not '$5'" ;;
    esac
    verdict "$problem" "$how" "$start"
  done 4</run/ends
}

# Linux's own driver hears the power button: a program is told of the key (struct input_event), and powers off.
button_command='exec 3</dev/input/event0; echo hears it; set -- $(dd bs=24 count=1 <&3 2>/dev/null | od -An -tu2); shift 9
echo key $1; poweroff -f'
button_command=$(echo "$button_command" | tr '\n' ';')
power_button() {
  ! is_done || return 0
  start=$(now)
  cp $images/rootfs.img /run/disk.img
  complaints=$(outer_complaints)
  press_power_button
  [ "$status" != 4 ] || ! broken_down "$complaints" || press_power_button
  problem=
  [ "$status" = 143 ] || problem="status $status, not 143"
  for word in 'key 116' 'guest power-off'; do
    grep -qF "$word" $output || problem="${problem:+$problem, }no '$word'"
  done
  verdict "$problem" "SIGTERM, stock kernel: its driver has the power button's key" "$start"
  rm -f /run/disk.img
}
press_power_button() {
  : >$output
  act TERM 'hears it' &
  actor=$!
  sh -c 'echo $$ >/run/pid; exec "$@"' sh $jkvm run --timeout "${stock_limit}s" --grace 600s \
    --kernel $images/stock-vmlinuz --initrd $images/stock-initrd.img --disk /run/disk.img \
    --cmdline "quiet root=/dev/vda rw jkvm.run=\"$button_command\"" </dev/null >>$output 2>&1
  status=$?
  kill $actor 2>/dev/null || true # a guest that never came so far
}

# --- jkvm test: the command's status, or the class of another end --------------------------------
testing_once() { # kernel, status, class, option... -- command...
  start=$(now)
  kernel=$1 want=$2 class=$3 limit=$stock_limit
  shift 3
  # Longer than the boot; a CPU that is locked up stays so.
  case "$kernel $class" in 'bzImage limit' | 'bzImage lockup') limit=20 ;; esac
  case "$kernel, $class: $*" in
    *"$only"*) ;;
    *) return ;;
  esac
  ! is_done || return 0
  unless_broken_down "$want" run_test "$@"
  problem=
  [ "$status" = "$want" ] || problem="status $status, not $want"
  last=$(tail -n 1 $output)
  case $last in
    "jkvm: $class, status $want"*) ;;
    *) problem="${problem:+$problem, }'$last', not '$class'" ;;
  esac
  verdict "$problem" "jkvm test, $kernel, $class: $*" "$start"
}
# Up to three times, where it ends as it should not, and the emulation is why.
unless_broken_down() { # status wanted, command that sets status
  wanted=$1 tries=1
  shift
  while
    complaints=$(outer_complaints)
    "$@"
    [ $tries -lt 3 ] && case "$status $wanted" in
      201\ 201 | 206\ 206) false ;;
      201* | 206*) broken_down "$complaints" ;;
      *) false ;;
    esac
  do
    tries=$((tries + 1))
  done
}
run_test() { # option... -- command...
  timeout -s QUIT -k 10 $((stock_limit + 10)) $jkvm test --timeout "${limit}s" \
    --kernel "$images/$kernel" "$@" </dev/null >$output 2>&1
  status=$?
}
# For the stock kernel, which has no way to lock up: RCU's own threads get no time while a program of
# the highest priority runs for 8 s.
starve_rcu='up() { read -r up rest </proc/uptime; up=${up%.*}; }; up; until=$((up + 8)); while [ $up -lt $until ]; do up; done'
# Two vCPUs on one of the outer machine's CPUs, and a line for each write: all of them, in order.
testing_lines() {
  start=$(now)
  case 'jkvm test, bzImage-smp, 20000 lines' in *"$only"*) ;; *) return ;; esac
  ! is_done || return 0
  seq 1 20000 | sed 's/^/line /' >/run/lines
  unless_broken_down 0 print_lines
  problem=
  [ "$status" = 0 ] || problem="status $status"
  cmp -s /run/lines /run/printed || problem="${problem:+$problem, }$(grep -c ^line /run/printed) of 20000 lines"
  verdict "$problem" "jkvm test, bzImage-smp, 20000 lines" "$start"
}
print_lines() {
  taskset 1 timeout -s QUIT -k 10 $((stock_limit + 10)) $jkvm test --timeout "${stock_limit}s" --cpus 2 \
    --kernel $images/bzImage-smp -- sh -c 'seq 1 20000 | while read i; do echo "line $i"; done' \
    </dev/null >/run/printed 2>$output
  status=$?
}
# The host's files in the guest: what it does to the current directory is there afterwards, what it does to the rest of
# the root is not.
shared_command='set -e
grep -q "^[^ ]* $PWD $1 " /proc/mounts
[ "$(cat host)" = "from the host" ]
echo guest >new; mkdir d; ln new d/link; mv new d/moved; ln -s moved d/symlink
dd if=/dev/urandom of=random bs=64k count=16 2>/dev/null; sha256sum random >sum
rm -rf /usr /etc/passwd; [ ! -e /usr ]; echo more >>/etc/hosts'
testing_files() { # kernel, type of file system
  start=$(now)
  case "$1, the host's files by $2" in *"$only"*) ;; *) return ;; esac
  ! is_done || return 0
  image=$images/$1
  [ "$2" != 9p ] || image=$(without_virtio_fs "$1")
  outside >/run/before
  unless_broken_down 0 share_files "$image" "$2"
  problem=
  [ "$status" = 0 ] || problem="status $status"
  (cd /root/shared && sha256sum -c sum && [ "$(cat d/symlink d/link)" = "guest
guest" ]) >>$output 2>&1 || problem="${problem:+$problem, }what the guest wrote is not there"
  outside | cmp - /run/before >>$output 2>&1 || problem="${problem:+$problem, }the root is not as before"
  verdict "$problem" "jkvm test, $1, the host's files by $2" "$start"
}
share_files() { # kernel, type of file system
  rm -rf /root/shared
  mkdir /root/shared
  echo "from the host" >/root/shared/host
  (cd /root/shared && exec timeout -s QUIT -k 10 $((stock_limit + 10)) $jkvm test --timeout "${stock_limit}s" \
    --root host --kernel "$1" -- sh -c "$shared_command" sh "$2") </dev/null >$output 2>&1
  status=$?
}
outside() { # all about the files that a guest is to leave as they are
  find /bin /etc /jkvm /lib /usr -exec stat -c '%n %i %f %u %g %s %h %Y %Z' {} +
}
without_virtio_fs() { # kernel: one with a configuration that lacks it, so that it is given 9p
  mkdir -p /root/9p
  rm -rf "/root/9p/$1"
  cp -r "$images/$1" "/root/9p/$1"
  sed -i 's/^CONFIG_VIRTIO_FS=.*/# CONFIG_VIRTIO_FS is not set/' /root/9p/"$1"/boot/config-*
  sed -i '/virtiofs/d' /root/9p/"$1"/lib/modules/*/modules.builtin
  echo "/root/9p/$1"
}
testing() { # word that a row must have
  only=${1:-}
  crash=/sys/kernel/debug/provoke-crash/DIRECT
  for kernel in bzImage $(cd $images && echo stock stock-[0-9]*); do # with those of run -k
    [ -e "$images/$kernel" ] || continue
    testing_once $kernel 42 exited -- sh -c 'exit 42'
    testing_once $kernel 139 signal -- sh -c 'kill -SEGV $$'
    testing_once $kernel 127 setup -- nosuch
    testing_once $kernel 201 panic -- sh -c 'echo c >/proc/sysrq-trigger'
    testing_once $kernel 205 out-of-memory -- tail /dev/zero
    testing_once $kernel 206 gone -- reboot -f
    testing_once $kernel 206 gone -- poweroff -f
  done
  testing_once bzImage 202 oops -- sh -c "echo BUG >$crash; sleep 1"
  testing_once bzImage 203 lockup --cmdline watchdog_thresh=1 -- sh -c "echo SOFTLOCKUP >$crash"
  testing_once stock 203 lockup --root initramfs --cmdline 'rcupdate.rcu_cpu_stall_timeout=3 sysctl.kernel.sched_rt_runtime_us=-1' \
    -- chrt -f 99 sh -c "$starve_rcu"
  testing_once bzImage 204 stall --stall 15s -- sleep 100000
  testing_once bzImage 124 limit -- sleep 100000
  testing_lines
  testing_files bzImage virtiofs
  for kernel in $(cd $images && echo stock stock-[0-9]*); do
    [ -e "$images/$kernel" ] || continue
    testing_files "$kernel" virtiofs
    [ ! -e "$images/$kernel"/lib/modules/*/kernel/fs/9p ] || testing_files "$kernel" 9p
    testing_once "$kernel" 42 exited --root initramfs -- sh -c 'exit 42'
  done
}

small_most=${small_cpu_counts##* }
stock_most=${stock_cpu_counts##* }
first_transport=${transports%% *}
case $what in
  quick)
    small direct "$first_transport" "$small_most"
    stock direct "$first_transport" "$stock_most"
    testing_once stock 42 exited -- sh -c 'exit 42'
    # What is printed with interrupts off is what this emulation breaks down of most often: print little.
    testing_once bzImage 201 panic --cmdline loglevel=1 -- sh -c 'echo c >/proc/sysrq-trigger'
    for expression in "^Ctrl-A x" "^halt that" "by the BIOS	" "announced	" ^SIGINT ^instruction; do ends "$expression"; done
    ;;
  all)
    for transport in $transports; do
      for cpus in $small_cpu_counts; do
        for way in direct bzimage bios elf pvh; do small $way "$transport" "$cpus"; done
      done
    done
    for transport in $transports; do
      for cpus in $stock_cpu_counts; do stock direct "$transport" "$cpus"; done
    done
    for way in bzimage bios; do stock $way "$first_transport" "$stock_most"; done
    network_all
    rescans
    ends .
    power_button
    testing
    ;;
  network) network_all ;;
  ends) ends "${2:-.}" ;;
  button) power_button ;;
  testing) testing "${2:-}" ;;
  rescan) rescans ;;
  vectors) for cpus in $stock_cpu_counts; do stock direct "$first_transport" "$cpus"; done ;;
  repeat)
    i=0
    while [ $i -lt "${2:-20}" ]; do
      i=$((i + 1))
      small direct "$first_transport" "$small_most"
    done
    ;;
  *)
    echo "usage: tests.sh [-v] [all | quick | network | rescan | vectors | ends [WORD] | button | testing [WORD] |" \
      "repeat N], not '$what'"
    exit 2
    ;;
esac
[ $((passed + failed)) != 0 ] || echo "no test has these words"
echo "$passed passed, $failed failed, tried again: $retried guests, ${bed_restarts:-0} outer machines"
[ $failed = 0 ] && [ $passed != 0 ]
