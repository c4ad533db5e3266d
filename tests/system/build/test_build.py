"""The program as people run it: real wheels, real processes, bad input."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from builder.releases import catalog as catalogs
from builder.releases.cache import Cache
from builder.system.settings import ProjectSettings, read_user_settings
from tests.support import needs
from tests.support.cli import STOCK, STOCK_SHA256, WHEEL, sha256
from tests.support.releases import RELEASES, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import RunBuilder

pytestmark = pytest.mark.usefixtures("warm")


def test_build_says_what_it_did(run_builder: RunBuilder, tmp_path: Path) -> None:
    """The main job: wheel and provenance in dist/, and a few lines with the facts."""
    done = run_builder("build", "2.2.1", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in (tmp_path / "dist").iterdir()) == [
        WHEEL,
        f"{WHEEL}.provenance.json",
    ]
    wheel = tmp_path / "dist" / WHEEL
    for part in (
        STOCK,
        "9a2a2dc9",
        "shell-html.patch",
        "drop setuptools",
        sha256(wheel),
        "passed",
        " s",
    ):
        assert part in done.stdout
    assert f"{wheel.stat().st_size:,} bytes" in done.stdout
    again = run_builder("build", "2.2.1", "--offline")
    assert again.stdout.splitlines()[0].endswith("already there")


_ZLIB_NG = (
    "import sys, os; from zlib_ng import zlib_ng; sys.modules['zlib'] = zlib_ng;"
    "import zlib; assert zlib.ZLIBNG_VERSION; os.umask(0o077);"
    "from builder.cli import main; main(sys.argv[3:])"
)


def _python(which: str) -> list[str]:
    """Another Python with the project in it, or ours with another zlib and umask."""
    if which == "zlib-ng":
        return [sys.executable, "-c", _ZLIB_NG]
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--no-project"]
    return [*uv, "--python", str(needs.python(which)), "--with-editable", str(ROOT), "python"]


@pytest.mark.parametrize("which", ["zlib-ng", "3.13"])
def test_the_same_bytes_everywhere(which: str, run_builder: RunBuilder, tmp_path: Path) -> None:
    """Other umask, time zone, locale and hash seed, a zlib that deflates otherwise, Python 3.13."""
    stock = Cache(read_user_settings(os.environ).cache).get_path(STOCK_SHA256)
    python = _python(which)

    def cold(name: str) -> dict[str, str]:
        """A cache with the stock wheel alone: outcomes of codemods are worked out anew."""
        mine = Cache(tmp_path / f"cache-{name}" / "tensorboard-proxy-wheels").get_path(STOCK_SHA256)
        mine.parent.mkdir(parents=True)
        shutil.copy(stock, mine)
        return {"XDG_CACHE_HOME": str(tmp_path / f"cache-{name}")}

    uv_cache = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(stock.parents[2] / "uv"))}
    run_builder("build", "2.2.1", "--offline", "--output", "plain", env=cold("plain"))
    odd = {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7", "LANG": "tr_TR.UTF-8"}
    words = ("build", "2.2.1", "--offline", "--output", "other")
    env = {**needs.settings_of_uv(), **odd, **uv_cache, **cold("other")}
    done = run_builder(*words, env=env, python=python)
    assert done.returncode == 0, done.stderr
    plain, other = tmp_path / "plain", tmp_path / "other"
    assert sha256(other / WHEEL) == sha256(plain / WHEEL)
    statement = f"{WHEEL}.provenance.json"
    assert which == "3.13" or (other / statement).read_bytes() == (plain / statement).read_bytes()


@pytest.mark.long
def test_build_all(run_builder: RunBuilder, tmp_path: Path) -> None:
    """45 releases, one line each, a table, and every wheel passes `check` from its bytes.

    They are those of tests/wheels.sha256, on every machine. Where a change of them is intended,
    or upstream has a new release, that list is written anew:

        rm -rf dist && nox -s build -- all
        (cd dist && LC_ALL=C sha256sum *.whl) > tests/wheels.sha256

    The change is described in docs/CHANGELOG.md; if wheels with the present number were published,
    `ProjectSettings.local_label` (builder/system/settings.py) is raised, and only today's digest
    stays in `EQUAL_CODEMODS` (builder/provenance/claims.py).
    """
    done = run_builder("build", "all")
    assert done.returncode == 0, done.stderr
    assert "45 of 45 releases built" in done.stdout
    assert sum(line.startswith("[") for line in done.stdout.splitlines()) == 45
    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    assert {w.name.split("-")[1] for w in wheels} == set(RELEASES)
    listing = (ROOT / "tests" / "wheels.sha256").read_text().splitlines()
    listed = {name: digest for digest, name in map(str.split, listing)}
    differ = [w.name for w in wheels if listed.get(w.name) != sha256(w)]
    assert not differ, "other bytes than before: if that is intended, see this test's docstring"
    assert len(listed) == len(wheels)
    checked = run_builder("check", *map(str, wheels))
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count(" 0 failed") == 45
    # A rebuild works everything out anew, without the cache of outcomes: a sample of shapes.
    sample = [w for w in wheels if w.name.split("-")[1] in ("1.13.1", "1.15.0", "2.3.0", "2.21.0")]
    rebuilt = run_builder("check", "--provenance", *map(str, sample))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert rebuilt.stdout.count("a rebuild gives the same bytes") == 4
    plan = json.loads(run_builder("plan", "all", "--json").stdout)
    assert [p["in_output"] for p in plan] == [True] * 45


def test_local_identity_and_build_tag(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Names that private indexes and re-uploads need."""
    words = ("build", "2.2.1", "--offline")
    assert run_builder(*words, "--identity", "local").returncode == 0
    assert run_builder(*words, "--identity", "local", "--local-version", "ci.7").returncode == 0
    assert run_builder(*words, "--build-tag", "3", "--name", "My.TB").returncode == 0
    names = sorted(p.name for p in (tmp_path / "dist").glob("*.whl"))
    assert names == [
        "my_tb-2.2.1-3-py3-none-any.whl",
        "tensorboard-2.2.1+ci.7-py3-none-any.whl",
        f"tensorboard-2.2.1+{ProjectSettings().local_label}-py3-none-any.whl",
    ]
    checked = run_builder("check", "--offline", *(f"dist/{n}" for n in names))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_series_can_be_chosen(run_builder: RunBuilder, tmp_path: Path) -> None:
    """None at all gives another wheel, which passes for whoever asks for that; others are told."""
    assert run_builder("build", "2.2.1", "--offline", "--series", "none").returncode == 0
    statement = json.loads((tmp_path / "dist" / f"{WHEEL}.provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["internalParameters"]["changes"] == {}
    words = ("check", "--offline", f"dist/{WHEEL}")
    assert run_builder(*words, "--series", "none").returncode == 0
    checked = run_builder(*words)
    assert checked.returncode == 6
    assert "by its provenance it has no series" in checked.stderr
    assert "--series none" in checked.stderr
    assert "new D704 tensorboard/notebook.py: the patch is not applied" in checked.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["build", "2.2.9"], 2, "2.2.9: no such release; nearest 2.2.2"),
        (["build", "1.12.0"], 2, "1.12.0 is below 1.13.0"),
        (["build", ">=9"], 2, "'>=9' matches no release"),
        (["build"], 2, "no release was named"),
        (["build", "2.2.1", "--name", "a b"], 2, "'a b' is not a valid distribution name"),
        (["build", "2.2.1", "--name", "TensorBoard"], 2, "the official distribution's name"),
        (["build", "2.2.1", "--build-tag", "x"], 2, "'x' is not a build tag"),
        (["build", "2.2.1", "--series", "prxy"], 4, "there is no series 'prxy'"),
        (["build", "2.2.1", "--jobs", "0"], 2, "--jobs"),
        (["build", ""], 2, "an empty word is no release"),
        (["build", "2.2.9", "--offline"], 3, "2.2.9: no such release; nearest 2.2.2"),
        (["build", "2.2.1", "--series", ""], 2, "is no list of series"),
        (["build", "2.2.1", "--series", "none,proxy"], 2, "is no list of series"),
        (["build", "2.2.1", "--series", "../patches/proxy"], 2, "is no series name"),
        (["build", "2.2.1", "--series", "/etc"], 2, "is no series name"),
        (["build", "2.2.1", "--series", "proxy,proxy"], 2, "stands twice"),
        (["build", "2.2.1", "--identity", "local", "--name", "x"], 2, "has no place in a local"),
        (["build", "2.2.1", "--local-version", "x"], 2, "has no place in a test identity"),
        (["build", "2.2.1", "--build-tag", "٣"], 2, "is not a build tag"),
        (["check", "no.whl"], 5, "no.whl cannot be read"),
        (["check", str(ROOT / "README.md")], 5, "is no zip file"),
        (["check"], 2, "Missing argument"),
        (["smoke-lab", "1.13.1"], 2, "1.13.x imports the TensorFlow of its time"),
        (["smoke-hub", "1.13.1"], 2, "1.13.x imports the TensorFlow of its time"),
        (["build", "--jobs", "0"], 2, "is not in the range"),
        (["buidl"], 2, "No such command"),
    ],
)
def test_bad_input_gets_a_line_and_a_code(
    run_builder: RunBuilder, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    """What failed and what to do; no traceback, and nothing written."""
    done = run_builder(*words)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert said in done.stderr
    assert re.search(r"^error: .+\n  try: .+\n\Z", done.stderr, re.MULTILINE)
    assert not (tmp_path / "dist").exists()


def test_debug_shows_the_traceback(run_builder: RunBuilder) -> None:
    """For whoever has to mend it."""
    assert "Traceback" in run_builder("build", "1.0", "--debug").stderr


def test_a_cold_cache_offline_is_an_error(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Exit code 3, and it says how to get the wheel."""
    done = run_builder("build", "2.2.1", "--offline", env={"XDG_CACHE_HOME": str(tmp_path / "c")})
    assert done.returncode == 3
    assert f"{STOCK}: it is not in the cache" in done.stderr
    assert "leave --offline out once" in done.stderr


def test_a_release_outside_the_catalog_is_used_with_a_notice(
    run_builder: RunBuilder,
    as_pinned: dict[str, str],
    stock_wheel: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    """A release that the index lists, and this catalog does not have."""
    stock_wheel("2.21.0")
    entries = [e for e in catalogs.load_entries() if e.version != "2.21.0"]
    (tmp_path / "catalog.json").write_bytes(catalogs.dump_catalog(entries))
    done = run_builder("build", "2.21.0", "--catalog", "catalog.json", env=as_pinned)
    assert done.returncode == 0, done.stderr
    assert "2.21.0 is not in the catalog" in done.stderr
    name = "tensorboardtmp-2.21.0-py3-none-any.whl"
    statement = json.loads((tmp_path / "dist" / f"{name}.provenance.json").read_text())
    assert (
        statement["predicate"]["buildDefinition"]["internalParameters"]["catalogEntry"]["pinned"]
        is False
    )
    stale = run_builder("catalog", "check", "--catalog", "catalog.json", env=as_pinned)
    assert stale.returncode == 3
    assert "2.21.0: new on the index" in stale.stdout
    update = run_builder("catalog", "update", "--catalog", "catalog.json", env=as_pinned)
    assert update.returncode == 0, update.stderr
    updated = catalogs.load_entries(tmp_path / "catalog.json")
    ours = catalogs.load_entries()
    for key in ("version", "notebook_blob", "requires_dist"):
        assert getattr(updated[-1], key) == getattr(ours[-1], key)
    for key in ("filename", "size", "sha256", "requires_python", "yanked"):
        assert getattr(updated[-1].wheels[0], key) == getattr(ours[-1].wheels[0], key)
    assert updated[:-1] == ours[:-1]
    assert (
        run_builder("catalog", "check", "--catalog", "catalog.json", env=as_pinned).returncode == 0
    )


def test_a_yanked_release_is_named(run_builder: RunBuilder) -> None:
    """In the notice and in the plan."""
    done = run_builder("plan", "2.11.1")
    assert "2.11.1 is yanked upstream" in done.stderr
    assert "2.11.1 (yanked)" in done.stdout


def test_plan_touches_nothing_and_reports_idle_patches(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """No dist/, no cache; a patch file that serves no release is a finding."""
    cache = tmp_path / "cache"
    done = run_builder("plan", "all", env={"XDG_CACHE_HOME": str(cache)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("overlay") == 45
    assert not cache.exists()
    assert not (tmp_path / "dist").exists()
    shutil.copytree(ROOT / "patches", tmp_path / "patches")
    toml = tmp_path / "patches" / "proxy" / "series.toml"
    toml.write_text(toml.read_text().replace('">=2.2,<2.3"', '">=9"'))
    idle = run_builder("plan", "2.2.1", "--patches", "patches")
    assert idle.returncode == 6
    assert "P901 proxy/shell-html.patch" in idle.stderr
