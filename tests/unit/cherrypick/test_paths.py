"""What becomes of a changed path: an overlay takes it, no wheel ships it, or it needs Bazel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.cherrypick.paths import SortedPaths, sort_paths
from builder.model import PathChange

_OLD, _NEW, _NONE = "1" * 40, "2" * 40, "0" * 40


class _Wheel:
    def __init__(self, **blobs: str) -> None:
        self._blobs = {path.replace("__", "/") + ".py": blob for path, blob in blobs.items()}

    def find_blob(self, path: str) -> str | None:
        return self._blobs.get(path)


_WHEEL = _Wheel(tensorboard__notebook=_OLD, tensorboard__plugin_util="3" * 40)


def _change(path: str, status: str = "M", mode: str = "100644", new: str = "100644") -> PathChange:
    before, after = _NONE if status == "A" else _OLD, _NONE if status == "D" else _NEW
    return PathChange(path, status, before, after, mode, new)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_change("tensorboard/BUILD"), "Bazel makes other files of it"),
        (_change("tensorboard/plugins/x/plugin_data.proto"), "Bazel makes other files of it"),
        (_change("tensorboard/webapp/app.ts"), "Bazel makes other files of it"),
        (_change("tensorboard/components/tf.html"), "Bazel makes other files of it"),
        (_change("tensorboard/pip_package/setup.py"), "Bazel makes other files of it"),
        (_change("tensorboard/defs/defs.bzl"), "Bazel makes other files of it"),
        (_change("tensorboard/pip_package/README.rst"), "Bazel makes other files of it"),
        (_change("LICENSE"), "what Bazel makes of it is not known"),
        (_change("WORKSPACE"), "Bazel makes other files of it"),
        (_change(".bazelrc"), "Bazel makes other files of it"),
        (_change("package.json"), "Bazel makes other files of it"),
        (_change("third_party/js.bzl"), "Bazel makes other files of it"),
        (_change("tensorboard/plugin_util.py"), "the stock wheel's is not its git blob"),
        (_change("tensorboard/notebook.py", "D", new="000000"), "the wheel would lose it"),
        (_change("tensorboard/notebook.py", "T", new="120000"), "its type changes"),
        (_change("tensorboard/notebook.py", new="100755"), "its mode changes"),
        (_change("tensorboard/proxy.py", "A"), "BUILD files decide whether a wheel ships it"),
        (_change("tensorboard/x.unknown"), "what Bazel makes of it is not known"),
        (_change("tensorboard/plugins", "M", "160000", "160000"), "what Bazel makes of it"),
    ],
)
def test_what_needs_bazel(change: PathChange, why: str) -> None:
    """Rules, protos, the front end, packaging, vendored modules, what comes or goes."""
    taken, left_out, needs = sort_paths([change], _WHEEL)
    assert (taken, left_out) == ((), ())
    assert [(n.path, n.why[: len(why)]) for n in needs] == [(change.path, why)]


@pytest.mark.parametrize(
    "path",
    [
        "tensorboard/notebook_test.py",
        "tensorboard/plugins/scalar/scalars_demo.py",
        "tensorboard/webapp/app_test.ts",
        "tensorboard/webapp/app.spec.ts",
        "tensorboard/functionaltests/testdata/x.json",
        "docs/tensorboard_in_notebooks.ipynb",
        "README.md",
        "AUTHORS",
        ".github/workflows/ci.yml",
        ".travis.yml",
        "ci/bazelrc",
        "tensorboard/data/server/lib.rs",
        "tensorboard/tools/script.py",
    ],
)
@pytest.mark.parametrize("at_hand", [True, False])
def test_what_no_wheel_ships(path: str, at_hand: bool) -> None:
    """Tests, documentation, CI, and modules that the wheel at hand does not have."""
    found = sort_paths([_change(path)], _WHEEL if at_hand else None)
    if path == "tensorboard/tools/script.py" and not at_hand:
        assert found.taken == (path,)
    else:
        assert found == SortedPaths((), (path,), ())


def test_what_an_overlay_takes() -> None:
    """A member that is its git blob; without the wheel, any module that was there before."""
    change = _change("tensorboard/notebook.py")
    assert sort_paths([change], _WHEEL) == SortedPaths((change.path,), (), ())
    assert sort_paths([change], None) == SortedPaths((change.path,), (), ())
    assert sort_paths([_change("tensorboard/proxy.py", "A")], None).needs_bazel


@given(
    st.text(),
    st.sampled_from("AMDT"),
    st.sampled_from(["000000", "100644", "100755", "120000", "160000"]),
    st.sampled_from(["100644", "120000"]),
)
def test_every_path_is_sorted_once(path: str, status: str, mode: str, new: str) -> None:
    """And an overlay takes nothing but regular members that are their git blobs."""
    found = sort_paths([_change(path, status, mode, new)], _WHEEL)
    assert len(found.taken) + len(found.left_out) + len(found.needs_bazel) == 1
    assert set(found.taken) <= {"tensorboard/notebook.py"}
