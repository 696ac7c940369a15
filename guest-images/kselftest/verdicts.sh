#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verdicts.sh [-k]: the kernel's own tests, KUnit and kselftest, by 'jkvm test' and by QEMU without
# KVM, on the same kernel and with the same root. Says what differs. With -k the folder with all
# output is kept. Exit status: 0 all verdicts are equal and the reports are sound, 1 they are not,
# 3 something is missing. Some 5 minutes; 'make test-verdicts' builds what it needs.
set -eu
umask 022
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../build
jkvm=$here/../../launcher/target/jkvm/bin/jkvm
schema=$here/../../machine/src/test/resources/io/jkvm/machine/results/junit-report.xsd
kernel=$build/bzImage-kunit
# Quick ones, and some that fail or are skipped on this kernel and root. They have no time limit: the
# runner wants GNU timeout for it.
TESTS="-c exec -c size -t mqueue:mq_open_tests -t timers:posix_timers -t timers:nanosleep"

for program in qemu-system-x86_64 python3 xmllint cpio busybox; do
  command -v $program >/dev/null || {
    echo "verdicts: $program is missing: apt-get install qemu-system-x86 python3 libxml2-utils cpio busybox-static" >&2
    exit 3
  }
done
work=$(mktemp -d)
if [ "${1:-}" = -k ]; then
  echo "verdicts: all output is in $work"
else
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
fi

echo "verdicts: making the root"
root=$work/root
mkdir -p "$root/bin" "$root/usr/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/etc"
for applet in $(busybox --list); do ln -s /bin/busybox "$root/bin/$applet"; done
rm -f "$root/bin/busybox"
cp "$(command -v busybox)" "$root/bin/busybox"
cat >"$root/init" <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
export PATH=/bin:/usr/bin HOME=/root
words=$(cat /proc/cmdline)
case $words in *verdicts.run*) /kselftest/run_kselftest.sh ${words#*verdicts.run } ;; esac >/dev/console 2>&1
reboot -f
INIT
chmod 755 "$root/init"
pack() { (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/root.cpio"; }

in_qemu() { # what stands last on the kernel's command line
  timeout 1200 qemu-system-x86_64 -accel tcg -M microvm,acpi=off,rtc=on,isa-serial=on -cpu max \
    -m 512 -nodefaults -no-user-config -nographic -no-reboot -serial stdio \
    -kernel "$kernel" -initrd "$work/root.cpio" \
    -append "console=ttyS0 panic=-1 reboot=t loglevel=8 $1" </dev/null | tr -d '\r'
}
in_jkvm() { # name of the reports, options...
  name=$1
  shift
  status=0
  "$jkvm" test --kernel "$kernel" --root "$root" --mem 512M --timeout 20m \
    --log "$work/$name.log" --junit "$work/$name.xml" --json "$work/$name.json" "$@" \
    >"$work/$name.out" 2>"$work/$name.err" </dev/null || status=$?
  echo "verdicts: jkvm: $(tail -n 1 "$work/$name.err")"
}
failed=0
compare() { # name: NAME.jkvm and NAME.qemu have a verdict in each line
  if [ ! -s "$work/$1.qemu" ]; then
    echo "verdicts: $1: QEMU's run has no results"
    failed=1
  elif diff -u "$work/$1.qemu" "$work/$1.jkvm" >"$work/$1.diff"; then
    echo "verdicts: $1: $(wc -l <"$work/$1.qemu") verdicts are equal"
  else
    echo "verdicts: $1: they differ, - is QEMU's:"
    cat "$work/$1.diff"
    failed=1
  fi
  if ! xmllint --noout --schema "$schema" "$work/$1.xml" 2>"$work/$1.xmllint"; then
    cat "$work/$1.xmllint"
    failed=1
  fi
}
# Path and verdict of each test that has none below it, from jkvm's report.
leaves() {
  python3 - "$1" <<'PYTHON'
import json, sys
def walk(cases, path):
    for case in cases:
        name = path + [case["name"]]
        if case.get("cases"):
            walk(case["cases"], name)
        else:
            print(case["verdict"], "/".join(name))
for run in json.load(open(sys.argv[1]))["runs"]:
    walk(run["cases"], [])
PYTHON
}

echo "verdicts: KUnit"
pack
in_jkvm kunit --kunit -- /bin/true
in_qemu "" >"$work/kunit.console"
# The kernel's own parser for QEMU's run.
tar -C "$work" -xf /usr/src/linux-source-6.1.tar.xz --wildcards '*/tools/testing/kunit/*'
python3 "$work"/linux-source-6.1/tools/testing/kunit/kunit.py parse --json="$work/kunit.theirs" \
  "$work/kunit.console" >"$work/kunit.parsed" 2>&1 || true
python3 - "$work/kunit.theirs" >"$work/kunit.qemu" <<'PYTHON'
import json, sys
verdicts = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip", "ERROR": "error"}
def walk(group, path):
    for test in group.get("test_cases", []):
        print(verdicts[test["status"]], "/".join(path + [test["name"]]))
    for below in group.get("sub_groups", []):
        walk(below, path + [below["name"]])
walk(json.load(open(sys.argv[1])), [])
PYTHON
leaves "$work/kunit.json" >"$work/kunit.jkvm"
compare kunit

echo "verdicts: kselftest"
tar -C "$root" -xf "$build/kselftest.tar"
# Programs of 6 and 50 MB, nearly all of it holes, which an initramfs does not have.
rm "$root"/kselftest/exec/load_address*00000
sed -i '/^exec:load_address.*00000$/d' "$root/kselftest/kselftest-list.txt"
find "$root/kselftest" -type f -perm -1 -exec ldd {} \; 2>/dev/null | grep -oE '/[^ ]+' | sort -u |
  while read -r library; do
    mkdir -p "$root${library%/*}" && cp -L "$library" "$root$library"
  done
pack
# shellcheck disable=SC2086
in_jkvm kselftest -- /kselftest/run_kselftest.sh $TESTS
in_qemu "verdicts.run $TESTS" >"$work/kselftest.console"
# Results of the runner's own: of what is below them the console shows only pieces beside printk's.
sed -nE -e 's/^not ok [0-9]+ selftests: ([^#]*[^# ]) *# SKIP.*/skip \1/p;t' \
  -e 's/^ok [0-9]+ selftests: ([^#]*[^# ]) *# SKIP.*/skip \1/p;t' \
  -e 's/^not ok [0-9]+ selftests: ([^#]*[^# ]) *# TIMEOUT.*/timeout \1/p;t' \
  -e 's/^not ok [0-9]+ selftests: ([^#]*[^# ]) *(#.*)?$/fail \1/p;t' \
  -e 's/^ok [0-9]+ selftests: ([^#]*[^# ]) *(#.*)?$/pass \1/p' "$work/kselftest.console" |
  sed 's/: /\//' >"$work/kselftest.qemu"
python3 - "$work/kselftest.json" >"$work/kselftest.jkvm" <<'PYTHON'
import json, sys
for run in json.load(open(sys.argv[1]))["runs"]:
    for case in run["cases"]:
        print(case["verdict"], case["name"].replace("selftests: ", "").replace(": ", "/"))
PYTHON
compare kselftest
exit $failed
