#!/bin/sh
# As upstream's up to 1.14: no output argument; wheels go to DEST/dist, where DEST is
# /tmp/tensorboard if that is not there yet, else a new directory beside it.
set -eu
RUNFILES=${RUNFILES:-$0.runfiles}/org_tensorflow_tensorboard
smoke=1
for word in "$@"; do
  [ "$word" = --no-smoke ] && smoke=0
done
# Upstream's asks pip for wheel and setuptools here.
grep -q == "${PIP_CONSTRAINT:?}"
[ ! -d /settings ] || grep -q global "${PIP_CONFIG_FILE:?}"
dest=/tmp/tensorboard
[ ! -e "$dest" ] || dest=$(mktemp -d /tmp/tensorboard-pip.XXXX)
mkdir -p "$dest/dist"
python3 "$RUNFILES/tensorboard/pip_package/build_wheel.py" "$RUNFILES" "$dest/dist" py2 py3
if [ "$smoke" = 1 ]; then
  echo 'the smoke test would install TensorFlow here: use --no-smoke' >&2
  exit 1
fi
ls -hal "$dest/dist"
