"""The era references: one for each release, about this logdir, with data in every plugin."""

from __future__ import annotations

import ast
import re
import zipfile
from functools import cache
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from builder.errors import RequestError
from builder.tensorboard.endpoints import SKIPPED_ROUTES
from builder.today import logdir
from builder.today.normalise import normalise_responses
from builder.today.reference import load_reference, save_reference
from builder.today.server_modes import list_server_modes
from tests.support.releases import RELEASES, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Release
    from builder.today.reference import EraReference

ERAS = ROOT / "tests" / "eras"
IN_REACH = [v for v in RELEASES if Version(v) >= Version("1.14")]
# Directory of a plugin's code → the name in its routes, where they differ.
NAMES = {
    "audio": "audio",
    "custom_scalar": "custom_scalars",
    "debugger_v2": "debugger-v2",
    "distribution": "distributions",
    "graph": "graphs",
    "histogram": "histograms",
    "image": "images",
    "interactive_inference": "whatif",
    "metrics": "timeseries",
    "pr_curve": "pr_curves",
    "scalar": "scalars",
}


@cache
def era(version: str) -> EraReference:
    """The reference of a release, read once for each worker."""
    return load_reference(version, ERAS)


def asked(version: str) -> set[str]:
    """The paths, without queries, of everything that a reference answers."""
    return {
        key.split(" ")[1].partition("?")[0]
        for mode in era(version).modes.values()
        for key in mode.answers
    }


def routes(wheel: Path) -> set[str]:
    """`plugin/route` for each route that a wheel's plugins register in `get_plugin_apps`."""
    found = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            match = re.fullmatch(r"tensorboard/plugins/(\w+)/\w+_plugin\.py", name)
            if match and match[1] != "core":
                plugin = NAMES.get(match[1], match[1])
                found |= {plugin + route for route in _literals(archive.read(name))}
    return found


def _literals(source: bytes) -> set[str]:
    """Every text that begins with a slash, in `get_plugin_apps` or in a constant that it names."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    functions = (
        f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.name == "get_plugin_apps"
    )
    values: set[object] = set()
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Constant):
                values.add(node.value)
            elif isinstance(node, ast.Name):
                values.add(constants.get(node.id))
    return {v for v in values if isinstance(v, str) and v.startswith("/")}


@pytest.mark.parametrize("version", IN_REACH)
def test_reference_is_whole(version: str, release: Callable[[str], Release]) -> None:
    """It is about the pinned wheel and this logdir, and every request was answered in each mode."""
    reference = era(version)
    pinned = release(version)
    assert reference.wheel == pinned.wheel.sha256
    assert reference.logdir == logdir.digest_logdir(), "record the references again"
    assert set(reference.modes) == set(list_server_modes(version))
    for mode in reference.modes.values():
        assert normalise_responses(mode.answers) == mode.answers
        assert all(answer["status"] for answer in mode.answers.values())
        assert sum(answer["status"] == 200 for answer in mode.answers.values()) > 140
        broken = [k for k, a in mode.answers.items() if a["status"] >= 500]
        assert len(broken) <= 5, broken


def test_there_is_a_reference_for_each_release_and_no_other() -> None:
    """1.14.0 and everything after it, in files that stay small together."""
    files = list(ERAS.glob("*.json.xz"))
    assert {f.name.removesuffix(".json.xz") for f in files} == set(IN_REACH)
    assert sum(f.stat().st_size for f in files) < 3_000_000


@pytest.mark.parametrize("version", IN_REACH)
def test_every_route_of_every_plugin_is_asked(
    version: str, stock_wheel: Callable[[str], Path]
) -> None:
    """What a stock wheel's own plugins register is asked, or named with the reason why not."""
    registered = routes(stock_wheel(version))
    assert len(registered) > 30
    known = {path.removeprefix("/data/plugin/") for path in asked(version)} | set(SKIPPED_ROUTES)
    assert registered - known == set()


@pytest.mark.parametrize(
    "path",
    [
        "/data/plugin/scalars/tags",
        "/data/plugin/histograms/tags",
        "/data/plugin/distributions/tags",
        "/data/plugin/images/tags",
        "/data/plugin/audio/tags",
        "/data/plugin/text/tags",
        "/data/plugin/pr_curves/tags",
        "/data/plugin/mesh/tags",
        "/data/plugin/custom_scalars/layout",
        "/data/plugin/graphs/info",
        "/data/plugin/projector/runs",
    ],
)
@pytest.mark.parametrize("version", IN_REACH)
def test_every_plugin_shows_data(version: str, path: str) -> None:
    """An oracle that compares nothing with nothing would say yes to everything."""
    for mode in era(version).modes.values():
        document = mode.answers[f"GET {path}"]["json"]
        assert document
        assert path.endswith(("layout", "runs")) or "train" in document


def test_hparams_and_time_series_answer_posts() -> None:
    """Both are asked by POST, and give the sessions and points that were written."""
    for mode in era("2.21.0").modes.values():
        posts = {k: a for k, a in mode.answers.items() if k.startswith("POST ")}
        groups = [a["json"] for k, a in posts.items() if "session_groups" in k]
        assert sorted(g["totalSize"] for g in groups) == [1, 2]  # filtered, and all
        series = [a["json"][0] for k, a in posts.items() if "timeSeries" in k]
        assert {"scalars", "histograms", "images"} <= {s["plugin"] for s in series}
        assert sum(bool(s.get("runToSeries")) for s in series) >= 6


def test_more_than_fits_is_sampled() -> None:
    """The large run is longer than a tag may keep: sampling is part of what is compared."""
    mode = era("2.21.0").modes["python"]
    points = mode.answers["GET /data/plugin/scalars/scalars?run=large&tag=many"]["json"]
    assert len(points) == 1000
    assert points[-1][1] == 1499


def test_a_reference_survives_saving(tmp_path: Path) -> None:
    """What is saved is what is loaded, and the same content gives the same file."""
    reference = era("2.2.1")
    first = save_reference(reference, tmp_path).read_bytes()
    assert load_reference("2.2.1", tmp_path) == reference
    assert save_reference(reference, tmp_path).read_bytes() == first


def test_a_missing_or_broken_reference_is_named(tmp_path: Path) -> None:
    """The error says which file, and the command that makes it."""
    with pytest.raises(RequestError, match="no era reference") as missing:
        load_reference("2.2.1", tmp_path)
    assert missing.value.hint == "python -m builder record 2.2.1"
    (tmp_path / "2.2.1.json.xz").write_bytes(b"nonsense")
    with pytest.raises(RequestError, match="is no reference"):
        load_reference("2.2.1", tmp_path)
