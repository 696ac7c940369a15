# SPDX-License-Identifier: Apache-2.0
# Read by run.sh: xfstests' generic quick group with two directories of this host. XFSTESTS names a
# built tree; otherwise it is built, for which its README lists the packages.

built_xfstests() {
  if [ -n "${XFSTESTS:-}" ]; then
    cp -r "$XFSTESTS" "$work/xfstests/tree"
    return
  fi
  cp -r "$work/source/xfstests" "$work/xfstests/tree"
  (cd "$work/xfstests/tree" && make -j2) >"$work/xfstests/build.log" 2>&1 ||
    die "xfstests can't be built, which its README says how to: $(tail -n 1 "$work/xfstests/build.log")"
}

# mount(8) finds it by the type fuse.jkvm.
mount_helper() {
  cat <<HELPER
#!/bin/bash
# mount.fuse.jkvm DEVICE DIRECTORY -o OPTIONS, of which source= is the directory of the host
source=\$(sed -n 's/.*source=\([^, ]*\).*/\1/p' <<<"\$*")
case ,\${*//[ ]/,}, in *,ro,* | *,-r,*) ro=,ro ;; esac
setsid bash -c 'exec 0<>/dev/fuse
  mount -i -t fuse "\$1" "\$2" \
    -o "fd=0,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions\$4" &&
  exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx512m -cp "$classes" \
    io.jkvm.devices.virtio.fs.HostMount "\$3"' bash "\$1" "\$2" "\$source" "\${ro:-}" \
  </dev/null >>"$work/xfstests/device.log" 2>&1 &
until mountpoint -q "\$2" && stat "\$2" >/dev/null; do
  kill -0 \$! 2>/dev/null || exit 1
  sleep 0.1
done
HELPER
}

run_xfstests() {
  local at=$work/xfstests helper=/sbin/mount.fuse.jkvm test
  mkdir -p "$at"/{test,scratch,mnt-test,mnt-scratch}
  built_xfstests
  [ ! -e $helper ] || die "$helper is in the way"
  trap 'rm -f /sbin/mount.fuse.jkvm; umount -l "$work"/xfstests/mnt-* 2>/dev/null; finish' EXIT
  mount_helper >$helper
  chmod 755 $helper
  cat >"$at/tree/local.config" <<CONFIG
export FSTYP=fuse FUSE_SUBTYP=.jkvm
export TEST_DEV=test TEST_DIR=$at/mnt-test SCRATCH_DEV=scratch SCRATCH_MNT=$at/mnt-scratch
export TEST_FS_MOUNT_OPTS="-osource=$at/test,allow_other,default_permissions"
export MOUNT_OPTIONS="-osource=$at/scratch,allow_other,default_permissions"
CONFIG
  # shellcheck disable=SC2086 # several words
  (cd "$at/tree" && ./check ${XFSTESTS_WHAT:--g generic/quick}) >"$at/check.log" 2>&1 || true
  awk '/^Ran:/ { for (i = 2; i <= NF; i++) ran[$i] }
    /^Not run:/ { for (i = 3; i <= NF; i++) delete ran[$i] }
    /^Failures:/ { for (i = 2; i <= NF; i++) failed[$i] }
    END { for (test in ran) print "RESULT xfstests", test, "passed", !(test in failed), "failed", (test in failed) + 0, "planned 1" }' "$at/check.log"
  for test in "$at"/tree/results/generic/*.out.bad; do
    [ -e "$test" ] || continue
    { diff "$at/tree/tests/generic/$(basename "$test" .out.bad).out" "$test" || true; } |
      sed -n "1,5s,^,FAILED xfstests generic/$(basename "$test" .out.bad) ,p"
  done
  grep '^Failed\|^Passed' "$at/check.log" >&2 || true
  ! grep -q '^Ran:' "$at/check.log" || echo DONE
  grep 'the kernel refuses' "$at/device.log" | grep -v 'reply to 18: ' || true
}
