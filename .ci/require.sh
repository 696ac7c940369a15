#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# require.sh COMMAND=PACKAGE...: makes sure that commands exist. As root on Debian it installs the
# packages of those that do not; otherwise it prints the command to type and ends with status 3.
set -eu
missing=
for pair in "$@"; do
  command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
    apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
  } || {
    echo "installing failed; try 'apt-get install$missing' by hand" >&2
    exit 3
  }
else
  echo "missing programs; install them with: sudo apt-get install$missing" >&2
  exit 3
fi
