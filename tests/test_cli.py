"""The program as people run it: real wheels, real processes, bad input."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from builder import catalog as catalogs
from tests.conftest import RELEASES, ROOT
from tests.index_server import Shelf, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import RunBuilder

WHEEL = "tensorboardtmp-2.2.1-py3-none-any.whl"
STOCK = "tensorboard-2.2.1-py3-none-any.whl"


@pytest.fixture(autouse=True)
def warm(stock_wheel: Callable[[str], Path]) -> None:
    """The stock wheel is in the cache, so that only tests that want the network use it."""
    stock_wheel("2.2.1")


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def test_the_same_bytes_everywhere(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Other umask, time zone, locale and hash seed, a zlib that deflates otherwise, Python 3.13."""
    run_builder("build", "2.2.1", "--offline", "--output", "plain")
    wanted = sha256(tmp_path / "plain" / WHEEL)
    statement = (tmp_path / "plain" / f"{WHEEL}.provenance.json").read_bytes()
    odd = {"TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7", "LANG": "tr_TR.UTF-8"}
    swap = (
        "import sys, os; from zlib_ng import zlib_ng; sys.modules['zlib'] = zlib_ng;"
        "import zlib; assert zlib.ZLIBNG_VERSION; os.umask(0o077);"
        "from builder.cli import main; main(sys.argv[3:])"
    )
    uv = ["uv", "run", "--quiet", "--no-project", "--python", "3.13", "--with-editable", str(ROOT)]
    pythons = {
        "zlib-ng": [sys.executable, "-c", swap],
        "3.13": [sys.executable, "-m", *uv, "python"],
    }
    for name, python in pythons.items():
        words = ("build", "2.2.1", "--offline", "--output", name)
        done = run_builder(*words, env=odd, python=python)
        assert done.returncode == 0, done.stderr
        assert sha256(tmp_path / name / WHEEL) == wanted
        made = (tmp_path / name / f"{WHEEL}.provenance.json").read_bytes()
        assert name == "3.13" or made == statement


def test_source_date_epoch_is_the_only_clock(run_builder: RunBuilder, tmp_path: Path) -> None:
    """It dates the statement and leaves the wheel alone."""
    run_builder("build", "2.2.1", "--offline", "--output", "a")
    run_builder("build", "2.2.1", "--offline", "--output", "b", env={"SOURCE_DATE_EPOCH": "86400"})
    assert sha256(tmp_path / "a" / WHEEL) == sha256(tmp_path / "b" / WHEEL)
    documents = [
        json.loads((tmp_path / d / f"{WHEEL}.provenance.json").read_text()) for d in ("a", "b")
    ]
    dates = [d["predicate"]["runDetails"]["metadata"].get("finishedOn") for d in documents]
    assert dates == [None, "1970-01-02T00:00:00Z"]


def test_build_all(run_builder: RunBuilder, tmp_path: Path) -> None:
    """45 releases, one line each, a table, and every wheel passes `check` from its bytes."""
    done = run_builder("build", "all")
    assert done.returncode == 0, done.stderr
    assert "45 of 45 releases built" in done.stdout
    assert sum(line.startswith("[") for line in done.stdout.splitlines()) == 45
    wheels = sorted((tmp_path / "dist").glob("*.whl"))
    assert {w.name.split("-")[1] for w in wheels} == set(RELEASES)
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
        "tensorboard-2.2.1+proxy.1-py3-none-any.whl",
    ]
    checked = run_builder("check", "--offline", *(f"dist/{n}" for n in names))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_series_can_be_chosen(run_builder: RunBuilder, tmp_path: Path) -> None:
    """None at all gives another wheel, which passes as what its provenance says it is."""
    assert run_builder("build", "2.2.1", "--offline", "--series", "none").returncode == 0
    statement = json.loads((tmp_path / "dist" / f"{WHEEL}.provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["internalParameters"]["changes"] == {}
    assert run_builder("check", "--offline", f"dist/{WHEEL}").returncode == 0
    alone = shutil.copy(tmp_path / "dist" / WHEEL, tmp_path / WHEEL)
    checked = run_builder("check", "--offline", str(alone))
    assert checked.returncode == 6
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
        (["check", "no.whl"], 5, "no.whl cannot be read"),
        (["check", str(ROOT / "README.md")], 5, "is no zip file"),
        (["check"], 2, "Missing argument"),
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
    assert "try" in done.stderr.lower()
    assert not (tmp_path / "dist").exists()


def test_debug_shows_the_traceback(run_builder: RunBuilder) -> None:
    """For whoever has to mend it."""
    assert "Traceback" in run_builder("build", "1.0", "--debug").stderr


def test_a_cold_cache_offline_is_an_error(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Exit code 3, and it says how to get the wheel."""
    done = run_builder("build", "2.2.1", "--offline", env={"XDG_CACHE_HOME": str(tmp_path / "c")})
    assert done.returncode == 3
    assert f"{STOCK} is not in the cache" in done.stderr
    assert "leave --offline out once" in done.stderr


def test_a_tampered_download_never_reaches_dist(
    run_builder: RunBuilder, tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """An index that serves other bytes than the catalog pins."""
    content = stock_wheel("2.2.1").read_bytes()
    with serving(Shelf({STOCK: content[:-1] + b"x"})) as place:
        env = {"PIP_INDEX_URL": f"http://{place}/simple", "XDG_CACHE_HOME": str(tmp_path / "c")}
        done = run_builder("build", "2.2.1", env=env)
    assert done.returncode == 3
    assert "tampered with or cut short" in done.stderr
    assert not (tmp_path / "dist").exists()


def test_one_failure_does_not_stop_the_others(
    run_builder: RunBuilder, tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """The index has one of two wheels: that one is built, the other one is named."""
    content = stock_wheel("2.2.1").read_bytes()
    with serving(Shelf({STOCK: content})) as place:
        env = {"PIP_INDEX_URL": f"http://{place}/simple", "XDG_CACHE_HOME": str(tmp_path / "c")}
        done = run_builder("build", "2.2.1", "2.2.2", env=env)
    assert done.returncode == 3
    assert "1 of 2 releases built" in done.stdout
    assert "does not list tensorboard-2.2.2-py3-none-any.whl" in done.stderr
    assert [p.name for p in (tmp_path / "dist").glob("*.whl")] == [WHEEL]


def test_a_different_wheel_in_dist_is_not_lost(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Refused; --force replaces."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / WHEEL).write_text("mine")
    done = run_builder("build", "2.2.1", "--offline")
    assert done.returncode == 7
    assert "--force replaces it" in done.stderr
    assert (tmp_path / "dist" / WHEEL).read_text() == "mine"
    assert run_builder("build", "2.2.1", "--offline", "--force").returncode == 0
    assert (tmp_path / "dist" / WHEEL).stat().st_size > 2_000_000


@pytest.mark.parametrize(("mount", "why"), [("ro", "Read-only"), ("size=1m", "No space left")])
def test_a_directory_that_cannot_take_it(tmp_path: Path, mount: str, why: str) -> None:
    """A real read-only and a real full file system, in a mount namespace of our own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make a mount namespace (unshare -rm)")
    (tmp_path / "dist").mkdir()
    script = (
        f"mount -t tmpfs -o {mount} tmpfs dist &&"
        f" {sys.executable} -m builder build 2.2.1 --offline; code=$?; ls -A dist; exit $code"
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert why in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_in_the_middle_leaves_whole_pairs(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """What is complete stays, each wheel with its statement; nothing temporary is left."""
    # A shell's background job would ignore Ctrl-C; a terminal's does not.
    reset = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    start = f"{reset} import sys; from builder.cli import main; main(sys.argv[1:])"
    words = [sys.executable, "-c", start, "build", "all", "--jobs", "2"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert "nothing was left half-written" in errors
    assert "Traceback" not in errors
    names = {p.name for p in (tmp_path / "dist").iterdir()}
    wheels = {n for n in names if n.endswith(".whl")}
    assert 0 < len(wheels) < 45
    assert names == wheels | {f"{n}.provenance.json" for n in wheels}


def test_two_builds_of_one_release_at_once(tmp_path: Path) -> None:
    """Both succeed, and there is one wheel."""
    words = [sys.executable, "-m", "builder", "build", "2.2.1", "--offline"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    both = [
        subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [p.wait(timeout=60) for p in both] == [0, 0]
    assert len(list((tmp_path / "dist").iterdir())) == 2


def test_provenance_is_verified(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A changed wheel, a changed statement, and none at all."""
    run_builder("build", "2.2.1", "--offline")
    wheel = tmp_path / "dist" / WHEEL
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    words = ("check", "--offline", "--provenance", str(wheel))
    assert run_builder(*words).returncode == 0
    statement = beside.read_text()
    for old, new in (
        (sha256(wheel), "0" * 64),
        ("shell-html.patch", "iframe.patch"),
        ('"before"', '"after_"'),
        ('"today"\n', '"proxy"\n'),
        ('"drop"', '"add"'),
        ('"release": "2.2.1"', '"release": "2.2.2"'),
        ("in-toto.io/Statement/v1", "in-toto.io/Statement/v9"),
    ):
        assert old in statement
        beside.write_text(statement.replace(old, new))
        done = run_builder(*words)
        assert done.returncode == 8, (old, done.stdout, done.stderr)
    beside.unlink()
    assert "there is no provenance" in run_builder(*words).stderr


def test_a_release_outside_the_catalog_is_used_with_a_notice(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """The newest release, looked up live because this catalog does not have it."""
    facts = [e for e in catalogs.load_facts() if e["version"] != "2.21.0"]
    (tmp_path / "catalog.json").write_text(catalogs.dump(facts))
    done = run_builder("build", "2.21.0", "--catalog", "catalog.json")
    assert done.returncode == 0, done.stderr
    assert "2.21.0 is not in the catalog" in done.stderr
    name = "tensorboardtmp-2.21.0-py3-none-any.whl"
    statement = json.loads((tmp_path / "dist" / f"{name}.provenance.json").read_text())
    assert statement["predicate"]["buildDefinition"]["internalParameters"]["pinned"] is False
    stale = run_builder("catalog", "check", "--catalog", "catalog.json")
    assert stale.returncode == 3
    assert "2.21.0: new on the index" in stale.stdout
    update = run_builder("catalog", "update", "--catalog", "catalog.json")
    assert update.returncode == 0, update.stderr
    updated = catalogs.load_facts(tmp_path / "catalog.json")
    ours = catalogs.load_facts()
    for key in ("version", "notebook_blob", "requires_dist"):
        assert updated[-1][key] == ours[-1][key]
    for key in ("filename", "size", "sha256", "requires_python", "yanked"):
        assert updated[-1]["wheels"][0][key] == ours[-1]["wheels"][0][key]
    assert updated[:-1] == ours[:-1]
    assert run_builder("catalog", "check", "--catalog", "catalog.json").returncode == 0


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


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`plan all | head -1` ends quietly."""
    script = f"{sys.executable} -m builder plan all 2>err | head -1; cat err"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert "BrokenPipe" not in done.stdout


def test_names_cannot_write_to_the_terminal(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A member's name with an escape sequence is spelt out."""
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("tensorboard/\x1b[2J.py", "")
    done = run_builder("check", WHEEL, "--offline")
    assert done.returncode == 6
    assert "\\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
