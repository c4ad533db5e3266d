#!/bin/sh
# As upstream's from 1.15 on: one argument, a directory that is there, or a *.tar.gz to write.
set -eu
RUNFILES=${RUNFILES:-$0.runfiles}/org_tensorflow_tensorboard
[ "$#" -eq 1 ] || { echo "usage: build_pip_package DIRECTORY|FILE.tar.gz" >&2; exit 1; }
# Upstream's asks pip for wheel and setuptools here.
grep -q == "${PIP_CONSTRAINT:?}"
[ ! -d /settings ] || grep -q global "${PIP_CONFIG_FILE:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$RUNFILES/tensorboard/pip_package/build_wheel.py" "$RUNFILES" "$work" py3
case $1 in
  *.tar.gz)
    (cd "$work" && tar --sort=name --owner=0 --group=0 --mtime='2020-01-01 00:00:00Z' \
      -cf - -- *.whl | gzip -n) >"$1"
    ;;
  *)
    [ -d "$1" ] || { echo "$1: no such directory" >&2; exit 1; }
    mv -- "$work"/*.whl "$1"
    ;;
esac
