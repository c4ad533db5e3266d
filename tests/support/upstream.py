"""A stand-in for upstream's repository, made from the real wheels of releases.

Its tags have the files of the releases as git would have them: what Bazel generates lies under
`third_party/generated`, modules that are vendored or empty in the wheel are as in the source, and
tests, docs, BUILD and .proto files are there that no wheel ships. `//tensorboard/pip_package`
really assembles the wheel from the tree, in upstream's two styles. On branches there are commits of
every kind that a cherry-pick can meet. Made twice, it is the same repository, down to the ids.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from builder.patching import diff
from builder.wheel.blobs import hash_git_blob
from tests.support.releases import CATALOG, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.git.mirror import Mirror

    OpenMirror = Callable[..., Mirror]

Tree = dict[str, bytes]

NOTEBOOK = "tensorboard/notebook.py"
_FILES = Path(__file__).parents[1] / "standin"
_LICENCE = b"# Copyright The TensorFlow Authors. All Rights Reserved.\n# (stand-in: licence only)\n"
_GENERATED = re.compile(
    r"tensorboard/(webfiles\.zip|_vendor/.*|.*_pb2(_grpc)?\.py|.*/projector_binary\.(html|js))"
)
_VENDORED = (
    (re.compile(rb"^from tensorboard\._vendor import (\w+)$", re.MULTILINE), rb"import \1"),
    (re.compile(rb"^from tensorboard\._vendor\.", re.MULTILINE), b"from "),
)
# From the oldest; 2.2.1 and 2.2.2 are on a release branch, as upstream's are.
_TRUNK = ("1.14.0", "2.2.0", "2.3.0", "2.5.0")
_BRANCH = ("2.2.1", "2.2.2")
_WHO = b"Stand-in <stand-in@localhost> %d +0000"


@dataclass
class StandIn:
    """The repository, and its commits by what they are.

    Attributes:
        path: a bare repository.
        commits: name → full id.
    """

    path: Path
    commits: dict[str, str] = field(default_factory=dict)

    @property
    def proxy(self) -> str:
        """The proxy commit on its author's branch, made on 2.2.1."""
        return self.commits["proxy"]


def make_upstream(path: Path) -> StandIn:
    """Make the repository in a directory that is not there yet."""
    writer = _Writer()
    trees = {version: source_tree(version) for version in (*_TRUNK, *_BRANCH)}
    commits: dict[str, str] = {}
    before = ""
    for version in _TRUNK:
        if version == "2.3.0":
            # Upstream's own change, squashed: 2.2.0 with the notebook extension of 2.3.0.
            squashed = {**trees["2.2.0"], NOTEBOOK: trees["2.3.0"][NOTEBOOK]}
            before = commits["squashed"] = writer.commit("squashed", squashed, before)
        before = commits[version] = writer.commit(version, trees[version], before)
    commits["2.2.1"] = writer.commit("2.2.1", trees["2.2.1"], commits["2.2.0"])
    commits["2.2.2"] = writer.commit("2.2.2", trees["2.2.2"], commits["2.2.1"])
    base = trees["2.2.1"]
    for name, tree in _branches(base).items():
        commits[name] = writer.commit(name, tree, commits["2.2.1"])
    commits["again"] = writer.commit("again", _again(_branches(base)["proxy"]), commits["proxy"])
    commits["merge"] = writer.commit(
        "merge", _branches(base)["proxy"], commits["2.2.1"], commits["proxy"]
    )
    tags = (*_TRUNK, *_BRANCH)
    ids = writer.write(path, {**{v: commits[v] for v in tags}}, head=commits["2.5.0"])
    return StandIn(path, {name: ids[mark] for name, mark in commits.items()})


def source_tree(version: str) -> Tree:
    """The files of a release as its repository has them."""
    release = CATALOG.find_release(version)
    assert release is not None
    tree: Tree = {}
    with zipfile.ZipFile(stock_path(release.wheel)) as wheel:
        for name in wheel.namelist():
            content = wheel.read(name)
            top, _, rest = name.partition("/")
            if top.endswith(".dist-info"):
                if rest not in ("RECORD", "WHEEL"):
                    tree[f"tensorboard/pip_package/dist-info/{rest}"] = content
            elif _GENERATED.fullmatch(name):
                tree[f"third_party/generated/{name}"] = content
                if name.endswith("_pb2.py") and "/_vendor/" not in name:
                    proto = name.removesuffix("_pb2.py") + ".proto"
                    tree[proto] = b'syntax = "proto3";\n\npackage tensorboard;\n'
            elif name.endswith("__init__.py") and not content:
                tree[name] = _LICENCE
            else:
                for pattern, source in _VENDORED:
                    content = pattern.sub(source, content)
                tree[name] = content
    # Bazel makes this one: a package of generated modules alone.
    del tree["tensorboard/compat/proto/__init__.py"]
    return tree | _rules(old=version == "1.14.0") | _unshipped()


def _rules(*, old: bool) -> Tree:
    places = {
        "WORKSPACE": "WORKSPACE",
        "tensorboard/BUILD": "tensorboard.BUILD",
        "tensorboard/compat/proto/BUILD": "proto.BUILD",
        "tensorboard/defs/BUILD": "defs.BUILD",
        "tensorboard/defs/script.bzl": "script.bzl",
        "third_party/BUILD": "third_party.BUILD",
        "tensorboard/pip_package/BUILD": "pip_package.BUILD",
        "tensorboard/pip_package/build_wheel.py": "build_wheel.py",
        "tensorboard/pip_package/build_pip_package.sh": (
            "build_pip_package_old.sh" if old else "build_pip_package.sh"
        ),
    }
    tree = {path: (_FILES / name).read_bytes() for path, name in places.items()}
    if not old:
        more = (_FILES / "pip_package_genrule.BUILD").read_bytes()
        tree["tensorboard/pip_package/BUILD"] += more
    return tree


def _unshipped() -> Tree:
    page = "tensorboard/components/tf_tensorboard/tf-tensorboard.html"
    return {
        "README.md": b"# TensorBoard (a stand-in)\n",
        "ci/bazelrc": b"# As upstream's, whose cache is gone.\n"
        b"build --remote_http_cache=https://cache.invalid/tensorboard\n",
        "docs/notebooks.md": b"# Notebooks\n\n%tensorboard shows inside notebooks.\n",
        "tensorboard/notebook_test.py": b"def test_nothing():\n    assert True\n",
        page: b"<link rel='import' href='../polymer/polymer.html'>\n<tf-tensorboard/>\n",
    }


def _branches(base: Tree) -> dict[str, Tree]:
    """One commit of every kind, each on 2.2.1."""
    hunks = diff.parse_diff((_FILES / "proxy.patch").read_text())[NOTEBOOK]
    proxy = {**base, NOTEBOOK: diff.apply_hunks(base[NOTEBOOK], hunks)}
    return {
        "proxy": proxy,
        "with tests and docs": _edit(
            _edit(proxy, "tensorboard/notebook_test.py", (b"True", b"1 + 1 == 2")),
            "docs/notebooks.md",
            (b"# Notebooks\n", b"# Notebooks\n\nTENSORBOARD_PROXY_URL says where.\n"),
        ),
        "only docs": _edit(base, "docs/notebooks.md", (b"shows", b"appears")),
        "rules": _edit(proxy, "tensorboard/BUILD", (b'"**/BUILD"', b'"**/BUILD",\n"x"')),
        "proto": _edit(base, "tensorboard/compat/proto/event.proto", (b"proto3", b"proto2")),
        "page": _edit(
            base,
            "tensorboard/components/tf_tensorboard/tf-tensorboard.html",
            (b"<tf-tensorboard/>", b"<tf-tensorboard></tf-tensorboard>"),
        ),
        "vendored": _edit(
            base, "tensorboard/plugin_util.py", (b"import bleach\n", b"import bleach  #\n")
        ),
        "new module": {**base, "tensorboard/proxy.py": b"URL = None\n"},
        "removed module": {k: v for k, v in base.items() if k != "tensorboard/lazy.py"},
        "import": _edit(base, NOTEBOOK, (b"import datetime\n", b"import datetime\nimport attr\n")),
        "nothing": base,
    }


def _again(proxy: Tree) -> Tree:
    """A follow-up, which makes sense on the proxy commit alone."""
    return _edit(
        proxy, NOTEBOOK, (b"        base = base.replace(", b"        base = (base).replace(")
    )


def _edit(tree: Tree, path: str, *edits: tuple[bytes, bytes]) -> Tree:
    content = tree[path]
    for old, new in edits:
        assert old in content, (path, old)
        content = content.replace(old, new, 1)
    return {**tree, path: content}


def main() -> None:
    """Make one in the directory that is named, and say its commits: name, tab, id."""
    for name, commit in make_upstream(Path(sys.argv[1]).resolve()).commits.items():
        print(name, commit, sep="\t")  # noqa: T201 - it is a program here


class _Writer:
    """Collects commits as a stream for `git fast-import`; marks stand for ids."""

    def __init__(self) -> None:
        self._stream: list[bytes] = []
        self._blobs: dict[str, int] = {}
        self._count = 0

    def commit(self, name: str, tree: Mapping[str, bytes], *parents: str) -> str:
        """Add a commit on a branch of its own; gives its mark."""
        lines = [self._file(path, content) for path, content in tree.items()]
        mark = self._mark()
        who = _WHO % (1577836800 + mark)
        message = f"{name}\n".encode()
        branch = f"release-{name}" if name[0].isdigit() else name.replace(" ", "-")
        self._stream += [
            b"commit refs/heads/%s\nmark :%d\n" % (branch.encode(), mark),
            b"author %s\ncommitter %s\ndata %d\n%s" % (who, who, len(message), message),
        ]
        for word, parent in zip((b"from", b"merge"), filter(None, parents), strict=False):
            self._stream.append(b"%s %s\n" % (word, parent.encode()))
        self._stream += [b"deleteall\n", *lines, b"\n"]
        return f":{mark}"

    def write(self, path: Path, tags: Mapping[str, str], head: str) -> dict[str, str]:
        """Write the repository; mark → id."""
        for tag, mark in tags.items():
            self._stream.append(b"reset refs/tags/%s\nfrom %s\n\n" % (tag.encode(), mark.encode()))
        self._stream.append(b"reset refs/heads/master\nfrom %s\n\n" % head.encode())
        git(path.parent, "init", "--quiet", "--bare", "--initial-branch=master", str(path))
        git(path, "config", "uploadpack.allowFilter", "true")
        git(path, "config", "uploadpack.allowAnySHA1InWant", "true")
        marks = path / "marks"
        words = ("-c", "core.compression=1", "fast-import", "--quiet", f"--export-marks={marks}")
        git(path, *words, stdin=b"".join(self._stream))
        return dict(line.split() for line in marks.read_text().splitlines())

    def _file(self, path: str, content: bytes) -> bytes:
        blob = hash_git_blob(content)
        if blob not in self._blobs:
            self._blobs[blob] = self._mark()
            self._stream += [
                b"blob\nmark :%d\ndata %d\n" % (self._blobs[blob], len(content)),
                content,
                b"\n",
            ]
        mode = b"100755" if path.endswith(".sh") else b"100644"
        return b"M %s :%d %s\n" % (mode, self._blobs[blob], path.encode())

    def _mark(self) -> int:
        self._count += 1
        return self._count


def git(where: Path, *words: str, stdin: bytes = b"") -> str:
    """Run the real git, without the user's configuration; its output."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    env = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *words], cwd=where, env=env, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


if __name__ == "__main__":
    main()
