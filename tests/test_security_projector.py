"""The projector shows files below the directory of the configuration that names them only."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.patching.codemods import apply_codemod
from builder.system.waiting import wait_for
from builder.tensorboard.events import encode_event, encode_record
from builder.tensorboard.server import run_tensorboard
from builder.tensorboard.summaries import encode_old_scalar, encode_summary
from tests.support import needs
from tests.support.interplay import Place, our_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.tensorboard.server import TensorBoardServer

# One of each form of the plugin.
RELEASES = ["1.14.0", "2.1.1", "2.2.1", "2.5.0", "2.20.0", "2.21.0"]
PYTHON = "3.13"
WAIT = 60.0
ANYWHERE = "TENSORBOARD_PROJECTOR_ANY_PATH"
PREFIX = "/data/plugin/projector/"
# Route → the field of an embedding that names its file, and such a file.
FIELDS = {
    "metadata": ('metadata_path: "{}"', "first\nsecond\n"),
    "tensor": ('tensor_path: "{}"', "0.5\t1.5\n2.5\t3.5\n"),
    "bookmarks": ('bookmarks_path: "{}"', "[]"),
    "sprite_image": ('sprite {{ image_path: "{}" single_image_dim: [1, 1] }}', "GIF89a"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment into which each release is put in its turn."""
    return Place(tmp_path_factory.mktemp("projector") / "place", needs.python(PYTHON))


def write_logdir(root: Path) -> list[str]:
    """A run with a configuration that names files inside and outside; the names of the latter."""
    run = root / "logs" / "run"
    (run / "below").mkdir(parents=True)
    (run / "events.out.tfevents.1").write_bytes(
        encode_record(encode_event(1.5, 0, encode_summary(encode_old_scalar("a", 1))))
    )
    secrets = root / "secrets"
    secrets.mkdir()
    outside = {
        "absolute": f"{secrets}/{{}}",
        "above": "../../secrets/{}",
        "inside first": "below/../../../secrets/{}",
        "home": "~/secrets/{}",
        "link": "link-{}",
        "linked directory": "linked/{}",
    }
    places = {"inside": "{}", "deeper": "./below/{}", "in full": f"{run}/{{}}", **outside}
    (run / "linked").symlink_to(secrets)
    lines = []
    for route, (field, content) in FIELDS.items():
        for directory in (secrets, run, run / "below"):
            (directory / route).write_text(content)
        (run / f"link-{route}").symlink_to(secrets / route)
        for name, path in places.items():
            named = field.format(path.format(route))
            lines.append(f'embeddings {{ tensor_name: "{route} {name}" {named} }}\n')
    (run / "projector_config.pbtxt").write_text("".join(lines))
    return sorted(outside)


def runs(server: TensorBoardServer) -> Any:
    """The runs that have a configuration, once there are any."""
    answer = server.send_request(f"{PREFIX}runs")
    return (answer.json() or None) if answer.status_code == 200 else None


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("anywhere", [False, True], ids=["confined", "anywhere"])
def test_files_outside_are_refused(
    release: str, place: Place, tmp_path: Path, *, anywhere: bool
) -> None:
    """By each of the four ways: what is inside is served, all else is a 400 that says why."""
    place.replace(our_wheel(release, tmp_path))
    outside = write_logdir(tmp_path)
    env = {**place.env, "HOME": str(tmp_path), **({ANYWHERE: "1"} if anywhere else {})}
    script = place.python.parent / "tensorboard"
    seen: dict[str, int] = {}
    with run_tensorboard(script, tmp_path / "logs", tmp_path, env) as server:
        assert wait_for(lambda: runs(server), WAIT) == ["run"]
        for route in FIELDS:
            for name in ("inside", "deeper", "in full", *outside):
                answer = server.send_request(f"{PREFIX}{route}?run=run&name={route} {name}")
                seen[f"{route} {name}"] = answer.status_code
                if answer.status_code == 400:
                    assert "resolves outside the config directory" in answer.text
                    assert ANYWHERE in answer.text
        assert server.send_request(f"{PREFIX}info?run=run").status_code == 200
    refused = {f"{route} {name}" for route in FIELDS for name in outside}
    assert {key for key, status in seen.items() if status == 400} == (
        set() if anywhere else refused
    )
    assert {status for key, status in seen.items() if anywhere or key not in refused} == {200}


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
