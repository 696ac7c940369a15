#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records the classes that one start of jkvm loads and archives them for this JVM (class data
# sharing). Not having the archive costs start-up time only, so nothing here fails the build.
set -u
cd "$(dirname "$0")/.."
home=$PWD/launcher/target/jkvm
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
java=$(readlink -f -- "${java:-$(command -v java)}")
version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "${java%/bin/java}/release" 2>/dev/null)
archive=$home/lib/jkvm-${version:-17}.jsa
list=$PWD/launcher/target/classes.list
rm -f "$archive" "$list"
JKVM_JAVA_OPTIONS=-XX:DumpLoadedClassList=launcher/target/classes.list "$home/bin/jkvm" run --quiet \
  --kernel guest-images/build/bzImage --disk guest-images/build/rootfs.img,ro \
  --timeout 1500ms </dev/null >/dev/null 2>&1
[ -s "$list" ] || exit 0
# The class path as bin/jkvm gives it.
class_path=
for jar in "$home"/lib/*.jar; do class_path=$class_path${class_path:+:}$jar; done
# A static archive: a dynamic one leaves out classes as old as picocli's.
"$java" -Xshare:dump -XX:+UseSerialGC -XX:SharedClassListFile="$list" \
  -XX:SharedArchiveFile="$archive.part" -cp "$class_path" -Xlog:disable >/dev/null 2>&1 &&
  mv "$archive.part" "$archive"
rm -f "$archive.part"
