"""The program and provenance: what is verified, and what cannot be smuggled in."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from builder.provenance import claims
from builder.releases.cache import Cache
from builder.system.settings import read_user_settings
from tests.support.cli import STOCK_SHA256, WHEEL, sha256
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import RunBuilder

pytestmark = pytest.mark.usefixtures("warm")


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
        ('"security"\n', '"proxy"\n'),
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


def test_a_wheel_of_another_tree_is_told_of(run_builder: RunBuilder, tmp_path: Path) -> None:
    """The statement says which commit made it, the check what differs; it does not pass."""
    words = ("build", "2.2.1", "--offline", "--patches", "other")
    shutil.copytree(ROOT / "patches", tmp_path / "other")
    patch = tmp_path / "other" / "proxy" / "shell-html.patch"
    patch.write_text(patch.read_text().replace("+import os\n", "+import os as os\n"))
    assert run_builder(*words).returncode == 0
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    document = json.loads(beside.read_text())
    document["predicate"]["runDetails"]["builder"]["version"]["commit"] = "c0ffee42" * 5
    beside.write_text(json.dumps(document))
    for option in ((), ("--provenance",)):
        done = run_builder("check", "--offline", f"dist/{WHEEL}", *option)
        assert done.returncode == 6, done.stderr
        assert "; differing here: patches/proxy/shell-html.patch" in done.stderr
        assert f"git worktree add ../there {'c0ffee42' * 5}`" in done.stderr
        assert "trust" not in done.stderr
    for commit in ("HEAD; rm -r x #", "c0ffee", 7):  # it goes into a line that people copy
        document["predicate"]["runDetails"]["builder"]["version"]["commit"] = commit
        beside.write_text(json.dumps(document))
        assert "is no provenance statement" in run_builder("check", f"dist/{WHEEL}").stderr
    beside.unlink()
    # The control: the tree that made it finds nothing.
    assert run_builder("check", "--offline", "--patches", "other", f"dist/{WHEEL}").returncode == 0


def test_a_statement_of_before_the_codemods_moved_holds(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """It was kept from commit 0fc403f; with a digest that is not on the list it does not hold."""
    kept = (ROOT / "tests" / "statements" / f"{WHEEL}.provenance.json").read_text()
    earlier = claims.EQUAL_CODEMODS[-1]
    assert kept.count(earlier) > 1
    run_builder("build", "2.2.1", "--offline")
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    beside.write_text(kept)
    words = ("check", "--offline", "--provenance", f"dist/{WHEEL}")
    done = run_builder(*words)
    assert done.returncode == 0, done.stderr
    # Nor does a build replace a statement that says the same.
    assert "already there" in run_builder("build", "2.2.1", "--offline").stdout
    assert beside.read_text() == kept
    for digest, count in (("0" * 64, 1), ("0" * 64, -1), (claims.EQUAL_CODEMODS[0], 1)):
        # One that is not on the list, for one codemod or for all; two that are, but of two trees.
        beside.write_text(kept.replace(earlier, digest, count))
        assert run_builder(*words).returncode == 8
    # The list is for codemods only.
    patch = json.loads(kept)["predicate"]["buildDefinition"]["resolvedDependencies"][1]
    assert patch["uri"].startswith("patches/")
    beside.write_text(kept.replace(patch["digest"]["sha256"], earlier))
    assert run_builder(*words).returncode == 8


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
    for option in ((), ("--provenance",)):
        checked = run_builder("check", f"dist/{WHEEL}", "--offline", *option)
        assert (checked.returncode, "D704" in checked.stderr) == (6, True), checked.stderr
        assert f"by its provenance it has the series {toml.parent}" in checked.stderr
    assert "is no series name" in checked.stderr  # the rebuild, which is told as well


def test_poisoned_outcomes_do_not_pass_check(run_builder: RunBuilder, tmp_path: Path) -> None:
    """Whoever writes the cache can write into wheels, as with any compiler's; check tells."""
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    mine = Cache(tmp_path / "cache" / "tensorboard-proxy-wheels").get_path(STOCK_SHA256)
    mine.parent.mkdir(parents=True)
    shutil.copy(Cache(read_user_settings(os.environ).cache).get_path(STOCK_SHA256), mine)
    assert run_builder("build", "2.2.1", "--offline", env=env).returncode == 0
    for path in tmp_path.glob("cache/*/outcomes/*/*/*"):
        outcome = path.read_bytes()[32:] + b"\n_POISONED = True\n"
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
        ("line\nerror: forged", 1),
        ("cherryPick", {"commits": [], "upstream": "u", "from": None}),
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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(
            '"buildType": "urn:tensorboard-proxy-wheels:overlay:v1"', '"buildType": []'
        ),
        lambda text: text.replace('"internalParameters"', '"others"'),
        lambda _: "[" * 200_000,
        lambda text: text[:-3] + ', "more": ' + "[" * 200_000,
        lambda text: text.encode("utf-16").decode("latin-1"),
    ],
    ids=["type", "no parameters", "brackets", "brackets behind it", "no UTF-8"],
)
def test_statements_of_another_form_are_named(
    run_builder: RunBuilder, tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    """Whatever is wrong with one, it is its fault and not ours."""
    made_once(run_builder, tmp_path)
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    beside.write_text(spoil(beside.read_text()), encoding="latin-1")
    done = run_builder("check", f"dist/{WHEEL}", "--offline")
    assert (done.returncode, len(done.stderr.splitlines())) == (8, 2), done.stderr
    assert "is no provenance statement of ours" in done.stderr


def test_what_in_toto_may_add_is_ignored(run_builder: RunBuilder, tmp_path: Path) -> None:
    """A reader ignores the fields that it does not know; the statement holds as before."""
    made_once(run_builder, tmp_path)
    beside = tmp_path / "dist" / f"{WHEEL}.provenance.json"
    document = json.loads(beside.read_text())
    document["note"] = document["predicate"]["note"] = {"of": "somebody"}
    for resource in document["predicate"]["buildDefinition"]["resolvedDependencies"]:
        resource["annotations"] = {"reviewed": True}
    beside.write_text(json.dumps(document))
    done = run_builder("check", f"dist/{WHEEL}", "--offline", "--provenance")
    assert done.returncode == 0, done.stderr


def made_once(run_builder: RunBuilder, tmp_path: Path) -> Path:
    """A wheel in dist/."""
    assert run_builder("build", "2.2.1", "--offline").returncode == 0
    return tmp_path / "dist" / WHEEL
