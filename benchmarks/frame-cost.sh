#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frame-cost.sh: microseconds of processor time that a frame costs in the network card, without the
# system calls of a network and without a guest: the rings are driven from Java. With the options of
# bin/jkvm; JAVA_HOME chooses the JVM. Needs: make.
set -eu
cd "$(dirname "$0")/.."
[ -x launcher/target/jkvm/bin/jkvm ] || { echo "frame-cost: run make first" >&2 && exit 3; }
mvn -q -B -ntp -pl hypervisor-core,devices test-compile >/dev/null
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
class_path=devices/target/test-classes
for jar in launcher/target/jkvm/lib/*.jar; do class_path=$class_path:$jar; done
exec "${java:-java}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xlog:disable -cp "$class_path" \
  benchmarks/FrameCost.java
