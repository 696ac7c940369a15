# SPDX-License-Identifier: Apache-2.0
# Read at the end of pjdfstest's misc.sh: what most of its checks go through, with fewer processes,
# of which there are some hundred thousand otherwise.
expect() {
  expected=$1
  shift
  result=$($fstest $* 2>/dev/null)
  result=${result##*"
"}
  good=no
  case $expected in
    *'|'* | *'['*) if echo "$result" | grep -Eq "^$expected\$"; then good=yes; fi ;;
    *) if [ "$result" = "$expected" ]; then good=yes; fi ;;
  esac
  if [ $good = yes ]; then
    echo "ok $ntest"
  else
    echo "not ok $ntest ${todomsg:+# TODO }- tried '$*', expected $expected, got $result"
  fi
  todomsg=
  ntest=$((ntest + 1))
}
namegen() {
  read -r name </proc/sys/kernel/random/uuid
  echo "pjdfstest_$name"
}
namegen_len() {
  read -r name </proc/sys/kernel/random/uuid
  while [ ${#name} -lt "$1" ]; do name=$name$name; done
  printf "%.$1s" "$name"
}
dirgen_max() {
  path=
  component=$(namegen_len $(($($fstest pathconf . _PC_NAME_MAX) / 2)))/
  length=$(($($fstest pathconf . _PC_PATH_MAX) - 1))
  while [ ${#path} -lt $length ]; do path=$path$component; done
  printf '%s' "$(printf "%.${length}s" "$path" | sed 's/\/$/x/')"
}
