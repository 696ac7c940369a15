#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# micro.sh [JMH OPTION]...: what needs no guest, by JMH: an exit's dispatch, a walk of a ring, a request
# of a disk. With the JIT as bin/jkvm sets it; '-jvmArgsAppend -XX:TieredStopAtLevel=4' is the whole of
# it, '-prof gc' also says what is allocated, '-h' lists the options. Needs a JDK and Maven.
set -eu
cd "$(dirname "$0")/.."
.ci/require.sh javac=default-jdk-headless mvn=maven
mvn -q -B -ntp process-classes -pl benchmarks -am
java=${JAVA_HOME:+$JAVA_HOME/bin/java}
exec "${java:-java}" -cp "benchmarks/target/classes:$(cat benchmarks/target/class-path)" \
  org.openjdk.jmh.Main -jvmArgs '-XX:+UseSerialGC -XX:TieredStopAtLevel=1' "$@"
