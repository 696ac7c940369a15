#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make-kselftest.sh SOURCE_TAR WORK OUTPUT COLLECTION...: an archive of kselftest collections as the
# kernel's own "make install" leaves them, in a directory "kselftest".
set -eu
umask 022
export LC_ALL=C
source_tar=$1 work=$2 output=$3
shift 3
tree=$work/linux-source-6.1

echo "unpacking ${source_tar##*/} (15 s)"
tar -C "$work" -xf "$source_tar" --exclude='*/Documentation/*' --exclude='*/drivers/*/*/*'
echo "making the kernel's headers"
nice make -C "$tree" -s headers
echo "making $*"
# A collection of which a program can't be built is an error, not a shorter list.
nice make -C "$tree/tools/testing/selftests" -s TARGETS="$*" FORCE_TARGETS=1 \
  INSTALL_PATH="$work/kselftest" install
chmod -R a+rX,u+w "$work/kselftest"
tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 -cf "$output" kselftest
rm -rf "$tree" "$work/kselftest"
