#!/bin/sh
# From TensorBoard's source to its wheel. Dockerfile.build runs these steps when it is used by hand,
# `nox -s build -- 2.2.1 --backend bazel` runs the very same in a container:
#
#   build-wheel.sh tools     install by apt what the base image lacks
#   build-wheel.sh bazel     put on PATH the Bazel that TB_VER wants, or the one that BAZEL names
#   build-wheel.sh source    UPSTREAM at TB_VER with CHERRY_PICK_COMMIT picked onto it → /src
#   build-wheel.sh wheel     /src → /dist/*.whl
#
# Settings come from the environment and, where it is there, from /settings/bazelrc.
set -eu

here=$(dirname "$(readlink -f "$0")")
src=${SRC:-/src}
dist=${DIST:-/dist}

fail() {
  echo "build-wheel: $*" >&2
  exit 1
}

# A column of the release's row in releases.txt; empty where the release has none.
fact() {
  awk -v release="${TB_VER:?}" -v wanted="$1" '
    $1 == "version" { for (i = 1; i <= NF; i++) column[$i] = i }
    $1 == release && $column[wanted] != "-" { print $column[wanted] }
  ' "$here/releases.txt"
}

tools() {
  lacking=
  for pair in curl:curl g++:g++ git:git patch:patch python:python-is-python3 python3:python3 \
    unzip:unzip virtualenv:virtualenv zip:zip; do
    command -v "${pair%%:*}" >/dev/null || lacking="$lacking ${pair#*:}"
  done
  [ -n "$lacking" ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  apt-get install -qq -y --no-install-recommends ca-certificates $lacking
  rm -rf /var/lib/apt/lists/*
}

bazel_binary() {
  target=/usr/local/bin/bazel
  sha256=${BAZEL_SHA256:-$(fact sha256)}
  case ${BAZEL:-} in
    base)
      command -v bazel >/dev/null || fail "the base image has no bazel"
      return
      ;;
    *://*) url=$BAZEL ;;
    ?*)
      url=
      cp "$here/${BAZEL##*/}" "$target" || fail "$BAZEL is not in the build context"
      ;;
    *)
      [ "$(uname -m)" = x86_64 ] || fail "no checksum is known for $(uname -m): name a BAZEL"
      version=$(fact bazel)
      [ -n "$version" ] || fail "no Bazel is known for TensorBoard $TB_VER: name a BAZEL"
      url=https://github.com/bazelbuild/bazel/releases/download/$version/bazel-$version-linux-x86_64
      ;;
  esac
  [ -z "$url" ] || curl -fsSL --retry 3 -o "$target" "$url"
  found=$(sha256sum "$target" | cut -d ' ' -f 1)
  if [ "$found" != "$sha256" ]; then
    rm -f "$target"
    fail "Bazel's sha256 is $found, not ${sha256:-known}; BAZEL_SHA256 says which to trust"
  fi
  chmod 755 "$target"
}

checked_word() {
  case $2 in
    -* | *,-* | *::* | *[!A-Za-z0-9._+:/@~%=,-]*) fail "$1 is '$2', which git could take for something else" ;;
  esac
}

has_commit() {
  git cat-file -e "$1^{commit}" 2>/dev/null
}

# Where the release was made from: two of upstream's tags are elsewhere, but a repository that is
# not upstream's may have the tag alone.
release_commit() {
  known=$(fact commit)
  if [ -n "$known" ] && ! has_commit "$known" && ! git fetch --quiet origin "$known"; then
    lacks="$UPSTREAM has no commit $known, from which $TB_VER was made"
    case $UPSTREAM in
      https://github.com/tensorflow/tensorboard | https://github.com/tensorflow/tensorboard[./]*)
        fail "$lacks"
        ;;
    esac
    echo "build-wheel: $lacks: its tag is used" >&2
    known=
  fi
  echo "${known:-refs/tags/$TB_VER}"
}

# The one commit that is picked without a word on whose it is, as this project began with it: it is
# on its author's fork and at the head of a pull request, and its id is the hash of what it is.
first_commit=60393f855337e2939483301684267d1655004918

# Fetches what may have the commits beside UPSTREAM's branches and tags: those of CHERRY_PICK_FROM,
# and pull requests of UPSTREAM.
fetch_owners() {
  if [ -n "${CHERRY_PICK_FROM:-}" ]; then
    git fetch --quiet --no-tags -- "$CHERRY_PICK_FROM" \
      '+refs/heads/*:refs/from/heads/*' '+refs/tags/*:refs/from/tags/*' ||
      fail "$CHERRY_PICK_FROM cannot be read"
  fi
  for number in $(echo "${CHERRY_PICK_PULL_REQUEST:-}" | tr , ' '); do
    case $number in *[!0-9]*) fail "$number is no number of a pull request" ;; esac
    git fetch --quiet --no-tags origin "+refs/pull/$number/head:refs/pull/$number/head" ||
      fail "$UPSTREAM has no pull request $number"
  done
}

# The id of a commit that is named by an id, a branch or a tag; a full id is never a branch's name.
find_commit() {
  case $1 in
    *[!0-9a-f]*) ;;
    *)
      if [ ${#1} -eq 40 ]; then
        has_commit "$1" || { [ "$1" = "$first_commit" ] && git fetch --quiet --no-tags origin "$1"; }
        git rev-parse --quiet --verify "$1^{commit}"
        return
      fi
      ;;
  esac
  for name in "refs/from/heads/$1" "refs/from/tags/$1" "refs/remotes/origin/$1" "$1"; do
    ! git rev-parse --quiet --verify "$name^{commit}" || return 0
  done
  return 1
}

# Whose a commit is. That a server hands a commit out by its id does not make it the server's own.
owner() {
  for namespace in refs/remotes/origin refs/tags refs/pull refs/from; do
    ref=$(git for-each-ref --count=1 --contains "$1" --format='%(refname)' "$namespace")
    case $ref in
      '') continue ;;
      refs/pull/*) echo "pull request $(echo "$ref" | cut -d / -f 3) of $UPSTREAM" ;;
      refs/from/*) echo "${ref#refs/from/} of $CHERRY_PICK_FROM" ;;
      *) echo "${ref#refs/} of $UPSTREAM" ;;
    esac
    return
  done
  [ "$1" = "$first_commit" ] && echo "this project: it began with that commit"
}

# Whether a commit that git refused to pick is in the history, or has nothing left to change.
is_there() {
  git merge-base --is-ancestor "$1" HEAD ||
    { git rev-parse --quiet --verify CHERRY_PICK_HEAD >/dev/null && git diff --quiet HEAD; }
}

# What the source, the image or the machine says on merges and contents has no effect: these are the
# lines of builder/git/mirror_files.py, where the reasons are.
fixed_settings() {
  mkdir -p .git/info
  cat >.git/info/attributes <<'END'
* merge
* !diff !whitespace !conflict-marker-size !delta !encoding
* -text -crlf !eol -ident -filter !working-tree-encoding
* -export-ignore -export-subst
END
  git config attr.tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
  git config core.attributesFile /dev/null
  git config core.autocrlf false
  git config core.eol lf
  git config core.hooksPath /dev/null
  git config merge.renormalize false
}

source_tree() {
  checked_word TB_VER "$TB_VER"
  checked_word UPSTREAM "$UPSTREAM"
  checked_word CHERRY_PICK_COMMIT "${CHERRY_PICK_COMMIT:-}"
  checked_word CHERRY_PICK_FROM "${CHERRY_PICK_FROM:-}"
  checked_word CHERRY_PICK_PULL_REQUEST "${CHERRY_PICK_PULL_REQUEST:-}"
  export GIT_ALLOW_PROTOCOL=https:http:ssh:git:file GIT_TERMINAL_PROMPT=0
  export GIT_NO_REPLACE_OBJECTS=1 GIT_GRAFT_FILE=/dev/null/none GIT_ATTR_NOSYSTEM=1
  export GIT_COMMITTER_NAME=build-wheel GIT_COMMITTER_EMAIL=nobody@localhost
  from=$UPSTREAM
  case $from in
    *:* | /*) ;;
    *) from=$here/${from##*/} ;; # a bundle in the build context
  esac
  git clone --quiet --no-checkout --template= -- "$from" "$src"
  cd "$src"
  fixed_settings
  start=$(release_commit)
  git checkout --quiet --detach "$start" -- || fail "$UPSTREAM has no tag $TB_VER"
  fetch_owners
  for pick in $(echo "${CHERRY_PICK_COMMIT:-}" | tr , ' '); do
    whose=
    if commit=$(find_commit "$pick"); then whose=$(owner "$commit") || :; fi
    [ -n "$whose" ] ||
      fail "there is no commit $pick in a branch or tag of $UPSTREAM${CHERRY_PICK_FROM:+ or $CHERRY_PICK_FROM}:" \
        "if you trust it, say whose it is with CHERRY_PICK_FROM or CHERRY_PICK_PULL_REQUEST"
    echo "build-wheel: $pick is the commit $commit, of $whose"
    git cherry-pick -x "$commit" && continue
    ! is_there "$commit" || fail "$TB_VER has the change of $pick already: leave it out"
    git --no-pager diff --diff-filter=U
    fail "$pick does not go onto $TB_VER; nothing is ever forced"
  done
}

# .bazelrc with what it imports, without the remote services of others: upstream's own remote cache
# is no longer public, and to use another is for the user to decide.
workspace_rc() {
  [ -f "$1" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      *--remote_* | *--experimental_remote_* | *--bes_* | *--google_*)
        echo "build-wheel: left out of ${1#./}: $line" >&2
        ;;
      import\ %workspace%/* | try-import\ %workspace%/*) workspace_rc "${line#*%workspace%/}" ;;
      import\ * | try-import\ *) ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <"$1"
}

wheel() {
  cd "$src"
  rc=$(mktemp)
  workspace_rc .bazelrc >"$rc"
  # Upstream's build asks pip for the newest setuptools and wheel; the release's own wrote its wheel.
  # The file is named by its content, as keys of Bazel's caches have the name alone.
  pins=$(fact packager | tr , '\n')
  constraints=$here/constraints-$(echo "$pins" | sha256sum | cut -c 1-12).txt
  echo "$pins" >"$constraints"
  echo "build --action_env=PIP_CONSTRAINT=$constraints" >>"$rc"
  [ ! -f /settings/bazelrc ] || cat /settings/bazelrc >>"$rc"
  # The system's own stays: it tells Debian's Bazel where it is installed.
  set -- bazel --nohome_rc --noworkspace_rc "--bazelrc=$rc"
  style=${TB_STYLE:-$(fact style)}
  mkdir -p "$dist"
  case $style in
    run)
      # It takes no destination, and its smoke test would install TensorFlow.
      rm -rf /tmp/tensorboard
      # What `run` starts is no action: it has the environment of Bazel itself.
      PIP_CONSTRAINT=$constraints "$@" run //tensorboard/pip_package:build_pip_package -- --no-smoke
      cp /tmp/tensorboard/dist/*.whl "$dist/"
      ;;
    *)
      "$@" build //tensorboard/pip_package
      tar -xzf bazel-bin/tensorboard/pip_package/pip_packages.tar.gz -C "$dist"
      ;;
  esac
  rm -f "$rc"
  ls "$dist"/*.whl || fail "Bazel made no wheel"
}

case ${1:-} in
  tools) tools ;;
  bazel) bazel_binary ;;
  source) source_tree ;;
  wheel) wheel ;;
  *) fail "say tools, bazel, source or wheel" ;;
esac
