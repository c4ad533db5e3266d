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
from builder.cache import Cache
from builder.settings import read_environment
from tests.conftest import RELEASES, ROOT
from tests.index_server import Shelf, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import RunBuilder

WHEEL = "tensorboardtmp-2.2.1-py3-none-any.whl"
STOCK = "tensorboard-2.2.1-py3-none-any.whl"
STOCK_SHA256 = "9a2a2dc9856187679e93f3c95e5dc771dd47e3257db09767b4be118d734b4dc2"


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
    stock = Cache(read_environment(os.environ).cache).path(STOCK_SHA256)

    def cold(name: str) -> dict[str, str]:
        """A cache with the stock wheel alone: outcomes of codemods are worked out anew."""
        mine = Cache(tmp_path / f"cache-{name}" / "tensorboard-proxy-wheels").path(STOCK_SHA256)
        mine.parent.mkdir(parents=True)
        shutil.copy(stock, mine)
        return {"XDG_CACHE_HOME": str(tmp_path / f"cache-{name}")}

    uv_cache = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(stock.parents[2] / "uv"))}
    run_builder("build", "2.2.1", "--offline", "--output", "plain", env=cold("plain"))
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
        done = run_builder(*words, env={**odd, **uv_cache, **cold(name)}, python=python)
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
    assert f"{STOCK}: it is not in the cache" in done.stderr
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
    assert (
        statement["predicate"]["buildDefinition"]["internalParameters"]["catalogEntry"]["pinned"]
        is False
    )
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


@pytest.mark.parametrize(("verb", "wheels"), [("plan", 0), ("build", 3)])
def test_a_reader_that_goes_is_no_error(tmp_path: Path, verb: str, wheels: int) -> None:
    """`… | head -1` ends quietly, and what was asked for is done."""
    words = f"{sys.executable} -m builder {verb} 2.2.0 2.2.1 2.2.2"
    script = f"{words} 2>err | head -1; echo ${{PIPESTATUS[0]}} $(cat err | wc -c)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 0"
    assert len(list(tmp_path.glob("dist/*.whl"))) == wheels


def test_names_cannot_write_to_the_terminal(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A member's name with an escape sequence is spelt out."""
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as wheel:
        wheel.writestr("tensorboard/\x1b[2J.py", "")
    done = run_builder("check", WHEEL, "--offline")
    assert done.returncode == 6
    assert "\\x1b[2J" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_a_statement_cannot_bring_its_own_series(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A wheel with a foreign patch, whose statement names a directory outside, does not pass."""
    shutil.copytree(ROOT / "patches" / "proxy", tmp_path / "p" / "evil")
    toml = tmp_path / "p" / "evil" / "series.toml"
    toml.write_text(toml.read_text().replace('name = "proxy"', 'name = "evil"'))
    patch = tmp_path / "p" / "evil" / "shell-html.patch"
    patch.write_text(patch.read_text().replace("+import os\n", "+import os as os\n"))
    words = ("build", "2.2.1", "--offline", "--patches", "p", "--series", "evil")
    assert run_builder(*words).returncode == 0
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    beside.write_text(beside.read_text().replace('"evil"', json.dumps(str(toml.parent)), 1))
    checked = run_builder("check", f"dist/{WHEEL}", "--offline")
    assert checked.returncode == 9
    assert "is no series name" in checked.stderr
    assert run_builder("check", f"dist/{WHEEL}", "--provenance").returncode == 8


def test_poisoned_outcomes_do_not_pass_check(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Whoever writes the cache can write into wheels, as with any compiler's; check tells."""
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    mine = Cache(tmp_path / "cache" / "tensorboard-proxy-wheels").path(STOCK_SHA256)
    mine.parent.mkdir(parents=True)
    shutil.copy(Cache(read_environment(os.environ).cache).path(STOCK_SHA256), mine)
    assert run_builder("build", "2.2.1", "--offline", env=env).returncode == 0
    for path in tmp_path.glob("cache/*/outcomes/*/*/*"):
        outcome = b"import os\n" + path.read_bytes()[32:]
        path.write_bytes(hashlib.sha256(outcome).digest() + outcome)
    assert run_builder("build", "2.2.1", "--offline", "--force", env=env).returncode == 0
    checked = run_builder("check", f"dist/{WHEEL}", "--offline", env=env)
    assert checked.returncode == 6
    assert "D704 tensorboard/compat/proto" in checked.stdout


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("series", None),
        ("series", 3),
        ("release", "x y"),
        ("release", None),
        ("name", None),
        ("name", "x\ny"),
        ("version", []),
        ("buildTag", 7),
        ("identity", "other"),
    ],
)
def test_malformed_statements_are_named(
    run_builder: RunBuilder, tmp_path: Path, field: str, value: object
) -> None:
    """A field that is missing or of another type is an error of one line, exit code 8."""
    wheel = tmp_path / WHEEL
    shutil.copy(made_once(run_builder, tmp_path), wheel)
    beside = tmp_path / f"{WHEEL}.provenance.json"
    document = json.loads((tmp_path / "dist" / beside.name).read_text())
    asked = document["predicate"]["buildDefinition"]["externalParameters"]
    asked[field] = value
    if value is None:
        del asked[field]
    beside.write_text(json.dumps(document))
    done = run_builder("check", str(wheel), "--offline")
    assert (done.returncode, len(done.stderr.splitlines())) == (8, 2), done.stderr
    assert "is no provenance statement of ours" in done.stderr


def made_once(run_builder: RunBuilder, tmp_path: Path) -> Path:
    """A wheel in dist/."""
    assert run_builder("build", "2.2.1", "--offline").returncode == 0
    return tmp_path / "dist" / WHEEL


def test_ctrl_c_stops_a_download(tmp_path: Path, stock_wheel: Callable[[str], Path]) -> None:
    """An index that trickles: the process ends long before the file would."""
    content = stock_wheel("2.2.1").read_bytes()
    reset = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    start = f"{reset} import sys; from builder.cli import main; main(sys.argv[1:])"
    shelf = Shelf({STOCK: content}, trickle=0.2)
    with serving(shelf) as place:
        env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PIP_INDEX_URL": f"http://{place}/simple",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        words = [sys.executable, "-c", start, "build", "2.2.1"]
        with subprocess.Popen(
            words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert "fetching" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
