#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# files.sh [ROUNDS]: what a shared directory costs: the same guest does the same work on the host's
# files over jkvm's virtio-fs and 9p, QEMU's 9p and QEMU with virtiofsd. In turns, so that a change in
# the machine's speed meets all alike; medians of the guest's own clock at the end, in seconds, and
# the processor time of all the host's processes together.
# ONLY="jkvm-virtiofs ..." takes some of them, WORK=DIR a directory to do it in (default: a new one in /var/tmp).
# Needs root (virtiofsd does), make, make default-guest, gcc, git, qemu-system-x86 and -common; with
# linux-headers-cloud-amd64 a module for that kernel is built, too.
# It runs in the test bed as well, on kvm_amd in an emulated machine, with files that are made before:
#   benchmarks/files.sh prepare /var/tmp/files
#   test-bed/run -t 7200 -q 400 -w /usr/bin/qemu-system-x86_64 -w /usr/share/qemu -w /usr/share/seabios \
#     -w /usr/lib/qemu/virtiofsd -w /var/tmp/files -s benchmarks/files.sh [ROUNDS]
set -eu
export LC_ALL=C
prepared=
if [ "${1:-}" = prepare ]; then
  prepared=$(mkdir -p "$2" && cd "$2" && pwd)
  shift 2
fi
rounds=${1:-3}
mem=${MEM:-256M}
files=${FILES:-10000} megabytes=${MEGABYTES:-64} requests=${REQUESTS:-4096}
virtiofsd=${VIRTIOFSD:-/usr/lib/qemu/virtiofsd}
work=
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; [ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM
limit=
if [ -d /jkvm ] && [ -d /images ]; then
  images=/images jkvm=/jkvm/bin/jkvm share=/var/tmp/files/share
  limit="timeout ${LIMIT:-600}" # a guest that the emulation breaks may hang
  work=$(mktemp -d /var/tmp/jkvm-files.XXXXXX)
else
  cd "$(dirname "$0")/.."
  images=$PWD/guest-images/build jkvm=$PWD/launcher/target/jkvm/bin/jkvm
  work=$(mktemp -d "${WORK:-/var/tmp}/jkvm-files.XXXXXX")
  share=${prepared:-$work}/share
fi

# --- the work: a directory of the host with a tree of small files, a git repository and a program ---
make_share() {
  mkdir -p "$share/tree" "$share/bin"
  for d in $(seq 1 $((files / 100))); do
    mkdir "$share/tree/d$d"
    for f in $(seq 1 100); do printf '%2048s' "$d/$f" >"$share/tree/d$d/f$f"; done
  done
  git -C "$share/tree" init -q
  git -C "$share/tree" add .
  git -C "$share/tree" -c user.name=a -c user.email=a@b commit -qm tree
  # Else what one way tells of inodes would have the next one read all files and write the index anew.
  git -C "$share/tree" config core.checkStat minimal
  sleep 1
  git -C "$share/tree" status --short
  cat >"$work/io.c" <<'C'
/* io r|w FILE BLOCKS: reads or writes blocks of 4 KiB at places that a fixed sequence names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static char block[4096];
	int writes = argv[1][0] == 'w', fd = open(argv[2], writes ? O_WRONLY : O_RDONLY);
	long blocks = lseek(fd, 0, SEEK_END) / 4096;
	unsigned long x = 1;
	for (long i = atol(argv[3]); i > 0; i--) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		off_t at = (off_t)((x >> 33) % blocks) * 4096;
		if ((writes ? pwrite(fd, block, 4096, at) : pread(fd, block, 4096, at)) != 4096)
			return perror("io"), 1;
	}
	return close(fd) != 0;
}
C
  gcc -O2 -static -o "$share/bin/io" "$work/io.c"
  make_root
  cat >"$share/bin/work" <<W
cd /mnt || exit 1
now() { read -r up idle </proc/uptime; }
cold() { sync; echo 3 >/proc/sys/vm/drop_caches; }
measure() { # name, command...
  name=\$1; shift
  cold; now; begin=\$up
  "\$@" >/tmp/out 2>&1 || { echo "FAILED \$name"; tail -n 3 /tmp/out; }
  now; echo "TIME \$name \$begin \$up"
}
tree() { tar -cf - tree/d* | wc -c; }
inside() { mount -o bind tree root/tree && mount -o bind /dev root/dev && chroot root "\$@" && umount root/tree root/dev; }
measure write-sequential dd if=/dev/zero of=data bs=1M count=$megabytes
measure read-sequential dd if=data of=/dev/null bs=1M
measure write-random bin/io w data $requests
measure read-random bin/io r data $requests
measure find find tree -type f
measure tar tree
measure create sh -c 'mkdir new && cd new && for i in \$(seq 1 100); do echo \$i >f\$i; done'
measure remove rm -r new
measure git-status inside \$(cat bin/git) -C /tree status --short
if [ -f bin/headers ]; then
  measure module inside make -C \$(cat bin/headers) M=/module CC=gcc modules
  inside make -C \$(cat bin/headers) M=/module clean >/dev/null
  [ -f root/module/empty.c ] || echo FAILED clean
fi
rm -f data
echo DONE
W
  command -v git >"$share/bin/git"
}

# Programs that a guest with nothing but busybox lacks, with what they load: git, and what it takes to
# build a kernel's module, if there are headers of one.
make_root() {
  mkdir -p "$share/root/tree" "$share/root/dev" "$share/root/etc" "$share/root/tmp" "$share/root/module"
  for d in bin sbin lib lib64; do
    mkdir -p "$share/root/usr/$d"
    ln -s usr/$d "$share/root/$d"
  done
  printf '[safe]\n\tdirectory = *\n' >"$share/root/etc/gitconfig"
  headers=$(find /usr/src -maxdepth 1 -name 'linux-headers-*' ! -name '*-common*' 2>/dev/null | sort | tail -n 1)
  with_libraries git
  [ -n "$headers" ] || { echo 'files.sh: no linux-headers package, so no module is built' >&2; return 0; }
  with_libraries make sh gcc as ld nm objcopy objdump readelf strip sed grep awk expr rm mkdir cat echo mv cp \
    ln true false test printf touch uniq cmp find xargs sort head tail tr uname basename dirname readlink \
    "$(gcc -print-prog-name=cc1)" "$(gcc -print-prog-name=collect2)" \
    $(find "$(readlink -f "$headers/scripts/..")" -type f -perm -100)
  (cd / && tar -cf - ".$headers" ./usr/src/linux-headers-*-common ".$(readlink -f "$headers/scripts/..")" \
    ".$(gcc -print-file-name=include)") | tar -C "$share/root" -xf -
  cat >"$share/root/module/empty.c" <<'C'
#include <linux/module.h>
MODULE_LICENSE("GPL");
static int __init empty_init(void)
{
	return 0;
}
static void __exit empty_exit(void)
{
}
module_init(empty_init);
module_exit(empty_exit);
C
  echo 'obj-m := empty.o' >"$share/root/module/Makefile"
  echo "$headers" >"$share/bin/headers"
}
with_libraries() { # program...
  for program in "$@"; do
    path=$(command -v "$program")
    case $path in /*) ;; *) path=/usr/bin/$program ;; esac # a builtin of the shell's
    for f in "$path" $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
      mkdir -p "$share/root$(dirname "$f")"
      cp -L "$f" "$share/root$f"
    done
  done
}
if [ ! -e "$share" ]; then
  complete=$share share=$share.$$
  make_share
  mv "$share" "$complete"
  share=$complete
elif [ -n "$prepared" ]; then
  echo "files.sh: $share is there already; remove $prepared to have it made anew" >&2
  exit 1
fi
[ -z "$prepared" ] || exit 0
[ "$(id -u)" = 0 ] || { echo "files.sh: virtiofsd needs root" >&2; exit 3; }

# --- the four ways ----------------------------------------------------------------------------------
software='nokaslr mitigations=off noxsave rodata=off clearcpuid=cx16,erms,fsrm,popcnt,smap,smep no_timer_check'
cpu=host,-arch-capabilities,-cx16
if grep -qE '\b(vmx|svm)\b' /proc/cpuinfo; then software= cpu=host; fi
line() { echo "console=ttyS0 panic=-1 quiet $software jkvm.run=\"mount -t $1 && sh /mnt/bin/work\""; }
fs9p='9p -o trans=virtio,version=9p2000.L,msize=507904 /mnt /mnt'
# A kernel that has 9p only, by the configuration beside it.
mkdir "$work/9p"
cp "$images/bzImage" "$work/9p/bzImage"
printf 'CONFIG_%s=y\n' NET_9P NET_9P_VIRTIO 9P_FS >"$work/9p/.config"

ours() { # kernel, mount's arguments
  $limit "$jkvm" run --quiet --mem "$mem" --kernel "$1" --initrd "$images/initramfs.cpio" --share "$share:/mnt" \
    --cmdline "quiet jkvm.run=\"mount -t $2 && sh /mnt/bin/work\""
}
qemu() { # mount's arguments, QEMU's...
  append="$(line "$1") reboot=t"
  shift
  $limit qemu-system-x86_64 -M microvm,acpi=off,x-option-roms=off,rtc=on,pit=off,pic=off,isa-serial=on,memory-backend=ram \
    -object memory-backend-memfd,id=ram,size="$mem",share=on -enable-kvm -global virtio-mmio.force-legacy=false \
    -cpu "$cpu" -m "$mem" -nodefaults \
    -no-user-config -no-reboot -display none -serial stdio -kernel "$images/vmlinux" \
    -initrd "$images/initramfs.cpio" -append "$append" "$@"
}
one() { # way
  case $1 in
    jkvm-virtiofs) ours "$images/bzImage" 'virtiofs /mnt /mnt' ;;
    jkvm-9p) ours "$work/9p/bzImage" "$fs9p" ;;
    qemu-9p)
      qemu "$fs9p" -fsdev local,id=s,path="$share",security_model=passthrough,multidevs=remap \
        -device virtio-9p-device,fsdev=s,mount_tag=/mnt
      ;;
    qemu-virtiofsd)
      rm -f "$work/socket"
      "$virtiofsd" --socket-path="$work/socket" -o source="$share" -f >"$work/virtiofsd.log" 2>&1 &
      daemon=$!
      while [ ! -S "$work/socket" ]; do
        kill -0 $daemon || { cat "$work/virtiofsd.log"; return 1; }
        sleep 0.1
      done
      qemu 'virtiofs /mnt /mnt' -chardev socket,id=c,path="$work/socket" \
        -device vhost-user-fs-device,chardev=c,tag=/mnt
      wait $daemon || true
      daemon=
      ;;
  esac
}

results=$work/results
mkdir "$results"
ways=${ONLY:-jkvm-virtiofs qemu-virtiofsd jkvm-9p qemu-9p}
for round in $(seq 1 "$rounds"); do
  for way in $ways; do
    tries=0
    while :; do
      rm -rf "$share/new" "$share/data" "$share/tree/.git/index.lock" # of one that was cut off
      times >"$work/before" # not in a subshell, which has no children yet
      one "$way" >"$work/output" 2>&1 </dev/null || true
      times >"$work/after"
      ! grep -q '^DONE' "$work/output" || grep -q '^FAILED' "$work/output" || break
      tail -n 20 "$work/output" >&2
      tries=$((tries + 1))
      # The test bed's emulation breaks down now and then, and takes a guest with it.
      if [ $tries = 3 ] || [ "$images" != /images ]; then
        echo "files.sh: $way did not do all of its work" >&2
        exit 1
      fi
    done
    tr -d '\r' <"$work/output" | awk -v d="$results" -v w="$way" '$1 == "TIME" {
      printf "%.2f\n", $4 - $3 >>(d "/" w "." $2) }'
    tail -qn 1 "$work/before" "$work/after" | tr '\n' ' ' | sed 's/[ms]/ /g' | awk '{
      printf "%.1f\n", ($5 - $1 + $7 - $3) * 60 + $6 - $2 + $8 - $4 }' >>"$results/$way.processor-time"
    echo "round $round: $way done" >&2
  done
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
printf '%-18s' what
# shellcheck disable=SC2086
printf ' %24s' $ways
echo
for what in write-sequential read-sequential write-random read-random find tar create remove git-status module processor-time; do
  [ $what != module ] || [ -f "$share/bin/headers" ] || continue
  printf '%-18s' $what
  for way in $ways; do
    f=$results/$way.$what
    printf ' %24s' "$(median "$f") ($(sort -n "$f" | head -1)-$(sort -n "$f" | tail -1))"
  done
  echo
done
