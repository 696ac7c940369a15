#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records the classes of one start of jkvm in an archive for this JVM (class data sharing). Not
# having one costs start-up time only, so nothing here fails the build.
set -u
cd "$(dirname "$0")/.."
home=$PWD/launcher/target/jkvm
java=$(readlink -f -- "${JAVA_HOME:+$JAVA_HOME/bin/java}" || true)
[ -n "$java" ] || java=$(readlink -f -- "$(command -v java)")
version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "${java%/bin/java}/release" 2>/dev/null)
archive=$home/lib/jkvm-${version:-17}.jsa
rm -f "$archive"
JKVM_JAVA_OPTIONS="-XX:ArchiveClassesAtExit=$archive.part" "$home/bin/jkvm" run --quiet \
  --kernel guest-images/build/bzImage --disk guest-images/build/rootfs.img,ro \
  --timeout 1500ms </dev/null >/dev/null 2>&1
[ ! -s "$archive.part" ] || mv "$archive.part" "$archive"
