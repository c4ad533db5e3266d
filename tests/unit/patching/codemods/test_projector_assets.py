"""Which files a projector's configuration may name, compared as text."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.patching.codemods import apply_codemod

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def resolve() -> Callable[[str, str], str]:
    """The function that decides, as every release has it."""
    source = b"import os\ndef _rel_to_abs_asset_path(fpath, config_fpath):\n    return fpath\n"
    space: dict[str, Any] = {}
    exec(compile(apply_codemod("projector-assets", source), "x.py", "exec"), space)  # noqa: S102
    found: Callable[[str, str], str] = space["_rel_to_abs_asset_path"]
    return found


REMOTE = "gs://bucket/logs/run/projector_config.pbtxt"


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        ("meta.tsv", "gs://bucket/logs/run/meta.tsv"),
        ("sub/meta.tsv", "gs://bucket/logs/run/sub/meta.tsv"),
        ("gs://bucket/logs/run/meta.tsv", "gs://bucket/logs/run/meta.tsv"),
        ("../meta.tsv", None),
        ("a/../../meta.tsv", None),
        ("gs://bucket/logs/run/../other", None),
        ("gs://bucket/logs/runner/meta.tsv", None),
        ("gs://other/logs/run/meta.tsv", None),
        ("s3://bucket/logs/run/meta.tsv", None),
        ("file:///etc/passwd", None),
    ],
)
def test_remote_paths_are_compared_as_text(path: str, opened: str | None) -> None:
    """What lies below a remote directory is opened by its own address, and nothing else."""
    if opened is not None:
        assert resolve()(path, REMOTE) == opened
    else:
        with pytest.raises(ValueError, match="outside the config directory"):
            resolve()(path, REMOTE)


@pytest.mark.parametrize("path", ["gs://bucket/meta.tsv", "file:///etc/passwd", "/etc/passwd"])
def test_a_local_configuration_names_local_files(path: str, tmp_path: Path) -> None:
    """A configuration on disk reaches nothing remote, however it is written."""
    with pytest.raises(ValueError, match="outside the config directory"):
        resolve()(path, str(tmp_path / "projector_config.pbtxt"))


@given(parts=st.lists(st.sampled_from(["..", ".", "a", "up", "~", "", "/", "b"]), max_size=7))
def test_nothing_outside_is_ever_given(parts: list[str], tmp_path: Path) -> None:
    """Whatever way a path goes, by links and dots: what comes out lies below, or is refused."""
    root = tmp_path / "root"
    if not root.exists():
        (root / "a" / "b").mkdir(parents=True)
        (root / "a" / "up").symlink_to(tmp_path)
        (root / "up").symlink_to(root / "a")
    path = os.path.join(*parts) if parts else ""  # noqa: PTH118 - as the configuration has it
    try:
        found = resolve()(path, str(root / "projector_config.pbtxt"))
    except ValueError:
        return
    assert Path(found).resolve().is_relative_to(root.resolve())


def test_a_file_address_is_a_local_path(tmp_path: Path) -> None:
    """Links are followed there too (fsspec and TensorFlow open such addresses)."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "secret")
    config = f"file://{tmp_path}/run/projector_config.pbtxt"
    inside = f"{(tmp_path / 'run').resolve()}/meta.tsv"
    for path in ("meta.tsv", "./meta.tsv", f"{tmp_path}/run/meta.tsv", f"file://{inside}"):
        assert resolve()(path, config) == inside
    for path in ("link", "../secret", f"file://{tmp_path}/secret", f"{tmp_path}/secret"):
        with pytest.raises(ValueError, match="outside the config directory"):
            resolve()(path, config)
