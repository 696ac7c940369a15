#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# suites.sh DIRECTORY SUITES [PATTERN...]: pjdfstest's tests that match, or all, then fsx and
# fsstress, in a directory of the file system that is tested, with the programs that run.sh has built.
# Needs a shell and busybox's commands. A line for each on standard output,
#   RESULT SUITE TEST passed N failed N planned N
# each check that failed behind it, as FAILED SUITE TEST and its words, and DONE at the end.
directory=$1 suites=$2
shift 2
[ $# -gt 0 ] || set -- '*/*'
umask 0
cd "$directory" || exit 1

result() { # suite, test, passed, failed, planned
  echo "RESULT $1 $2 passed $3 failed $4 planned $5"
}

number() { # that a command like 'grep -c' prints
  "$@" || true
}

tests=$suites/pjdfstest/tests
mkdir pjdfstest
for pattern; do
  for file in "$tests"/$pattern.t; do
    [ -e "$file" ] || continue
    test=${file#"$tests"/}
    mkdir pjdfstest/in
    (cd pjdfstest/in && sh "$file") >"$suites/out" 2>"$suites/err"
    rm -rf pjdfstest/in
    grep '^not ok' "$suites/out" | grep -v TODO >"$suites/failed"
    planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$suites/out" | head -n 1)
    result pjdfstest "${test%.t}" "$(number grep -c '^ok\|^not ok.*TODO' "$suites/out")" \
      "$(number grep -c . "$suites/failed")" "${planned:-0}"
    sed "s,^,FAILED pjdfstest ${test%.t} ," "$suites/failed" | cut -c 1-300
  done
done
rmdir pjdfstest

each() { # suite, test, command...
  suite=$1 test=$2
  shift 2
  if "$@" >"$suites/out" 2>&1; then
    result "$suite" "$test" 1 0 1
  else
    result "$suite" "$test" 0 1 1
    tail -n 3 "$suites/out" | sed "s,^,FAILED $suite $test ,"
  fi
}
for seed in 1 2 3; do
  each fsx mapped-$seed "$suites/fsx" -S $seed -N "${FSX:-5000}" fsx
  each fsx calls-$seed "$suites/fsx" -S $seed -N "${FSX:-5000}" -W -R fsx
  [ -z "${DIRECT:-}" ] || each fsx direct-$seed "$suites/fsx" -S $seed -N "${FSX:-5000}" -r 4096 -w 4096 -Z fsx
  rm -f fsx fsx.*
done
mkdir fsstress
each fsstress 4 "$suites/fsstress" -d fsstress -p 4 -n "${FSSTRESS:-1500}" -s 7
rm -rf fsstress
each fsstress removed [ ! -e fsstress ]
echo DONE
