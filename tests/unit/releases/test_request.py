"""builder.releases.request, builder.releases.catalog and builder.build.plan."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from msgspec.structs import replace

from builder.build.plan import make_plan, to_json
from builder.build.release import BuildOptions
from builder.errors import IndexLookupError, RequestError
from builder.model import FIRST_RELEASE, IdentityKind, ListedWheel
from builder.patching.identity import WheelNaming
from builder.patching.series import load_series
from builder.releases import catalog as catalogs
from builder.releases.request import (
    make_unknown_release_error,
    parse_release_request,
    select_runnable_releases,
)
from tests.support.catalog import make_entry
from tests.support.releases import CATALOG, RELEASES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAMING = WheelNaming(IdentityKind.TEST, "tensorboardtmp", "proxy.1")


def test_releases_that_need_their_own_tensorflow_stay_out() -> None:
    """Of all releases 43 can start today; where none can, it says so and what to do."""
    able = select_runnable_releases(CATALOG.releases, "…")
    assert [r.version for r in (able[0], able[-1])] == ["1.14.0", "2.21.0"]
    assert len(able) == len(CATALOG.releases) - 2
    with pytest.raises(RequestError, match=r"1\.13\.x") as failure:
        select_runnable_releases(
            [r for r in CATALOG.releases if r not in able], "use another Python"
        )
    assert failure.value.hint == "use another Python"


@pytest.mark.parametrize(
    ("words", "first", "last", "count"),
    [
        (["2.2.1"], "2.2.1", "2.2.1", 1),
        (["2.2"], "2.2.0", "2.2.0", 1),
        (["all"], "1.13.0", "2.21.0", 45),
        (["latest"], "2.21.0", "2.21.0", 1),
        ([">=1.13,<2.3"], "1.13.0", "2.2.2", 12),
        (["2.4.0", "2.2.1", "2.2.1"], "2.2.1", "2.4.0", 2),
        (["==2.11.*"], "2.11.0", "2.11.2", 3),
    ],
)
def test_words_mean_releases(words: list[str], first: str, last: str, count: int) -> None:
    """Versions, sets, latest and all; oldest first, each once."""
    found = [r.version for r in parse_release_request(words, CATALOG).releases]
    assert (found[0], found[-1], len(found)) == (first, last, count)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "no release was named"),
        (["1.12.2"], "below 1.13.0"),
        ([">=3"], "matches no release"),
        (["newest"], "neither a version nor a specifier"),
        (["2.2.1", "-x"], "neither a version nor a specifier"),
    ],
)
def test_other_words_are_refused(words: list[str], why: str) -> None:
    """One line that says what is wrong with them."""
    with pytest.raises(RequestError, match=why):
        parse_release_request(words, CATALOG)


@pytest.mark.parametrize(
    ("version", "nearest"),
    [("2.2.9", "2.2.2"), ("2.22.0", "2.21.0"), ("2.16.3", "2.16.2"), ("1.16.0", "1.15.0")],
)
def test_the_nearest_release_is_named(version: str, nearest: str) -> None:
    """Whoever mistypes is told what there is."""
    assert parse_release_request([version], CATALOG).unknown == (version,)
    message = make_unknown_release_error(version, CATALOG).message
    assert message == f"{version}: no such release; nearest {nearest}"


@given(st.sampled_from(RELEASES))
def test_a_release_is_nearest_to_itself(version: str) -> None:
    """The distance is one."""
    assert make_unknown_release_error(version, CATALOG).message.endswith(f"nearest {version}")


def listed() -> dict[str, list[ListedWheel]]:
    """An index that is just as the catalog says."""
    return {r.version: list(r.wheels) for r in CATALOG.releases}


def test_an_index_as_pinned_has_no_difference() -> None:
    """Nothing to report, older releases aside."""
    index = listed() | {"1.12.0": []}
    assert catalogs.compare_catalog(catalogs.load_entries(), index) == []


def test_each_difference_is_told() -> None:
    """New, gone, re-published, yanked, another size, another Python."""
    index = listed()
    wheel = index["2.2.1"][0]
    index["2.2.1"] = [
        structs.replace(wheel, sha256="0" * 64, size=1, yanked=True, requires_python=">=3")
    ]
    index["2.99.0"] = [structs.replace(wheel, filename="tensorboard-2.99.0-py3-none-any.whl")]
    index["2.3.0"] = [structs.replace(index["2.3.0"][0], filename="other.whl")]
    del index["2.21.0"]
    texts = [f"{v}: {t}" for v, t in catalogs.compare_catalog(catalogs.load_entries(), index)]
    for part in (
        "2.2.1: tensorboard-2.2.1-py3-none-any.whl was re-published: sha256 9a2a2dc9",
        "2.2.1: tensorboard-2.2.1-py3-none-any.whl is now yanked",
        "has 1 bytes instead of 2950617",
        "requires Python >=3, not >= 2.7",
        "2.3.0: new file other.whl",
        "2.3.0: tensorboard-2.3.0-py3-none-any.whl is gone",
        "2.21.0: gone from the index",
        "2.99.0: new on the index: tensorboard-2.99.0",
    ):
        assert any(part in text for text in texts), part


def test_merging_keeps_order_and_unknown_facts() -> None:
    """A new release has null where no index knows, an old one keeps its commit."""
    news = [make_entry("2.99.0"), make_entry("2.2.1", notebook_blob="0" * 40)]
    merged = catalogs.merge_catalog(catalogs.load_entries(), news)
    assert [e.version for e in merged] == [*RELEASES, "2.99.0"]
    assert merged[-1].commit is None
    old = next(e for e in merged if e.version == "2.2.1")
    assert (old.wheels, old.notebook_blob) == ((), "0" * 40)
    assert old.commit == "9d5bfa51baad220828572206dbf25d5836ad1712"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '[{"version": "1"}]',
        '[{"version": "1", "wheels": [], "whels": []}]',
        "[1]",
        "[" * 9999,
    ],
)
def test_a_broken_catalog_is_named(text: str, tmp_path: Path) -> None:
    """No traceback for a file that is no catalog."""
    path = tmp_path / "catalog.json"
    path.write_text(text)
    with pytest.raises(IndexLookupError, match="catalog"):
        catalogs.make_catalog(catalogs.load_entries(path))


def test_the_file_is_as_update_would_write_it() -> None:
    """So that an update's diff shows news only."""
    entries = catalogs.load_entries()
    assert catalogs.DEFAULT_CATALOG_PATH.read_bytes() == catalogs.dump_catalog(entries)
    assert entries[0].version == FIRST_RELEASE


def test_plan_says_what_each_series_means(tmp_path: Path) -> None:
    """Applied, native or none, with files; what is in the output directory is said."""
    options = BuildOptions(series=(), naming=NAMING, output=tmp_path)
    series = [load_series(ROOT / "patches" / n) for n in ("proxy", "proxy-hardening")]
    present = {"tensorboardtmp-2.2.1-py3-none-any.whl"}
    plans = {
        p.release.version: to_json(p)
        for p in make_plan(CATALOG.releases, series, options.naming.make_identity, present)
    }
    assert plans["2.2.1"]["series"] == [
        {"name": "proxy", "status": "applied", "patches": ["shell-html.patch"], "metadata": []},
        {"name": "proxy-hardening", "status": "none", "patches": [], "metadata": []},
    ]
    assert [s["status"] for s in plans["2.3.0"]["series"]] == ["native", "applied"]  # type: ignore[attr-defined]
    assert [v for v, p in plans.items() if p["in_output"]] == ["2.2.1"]
    assert {p["backend"] for p in plans.values()} == {"overlay"}
    assert [v for v, p in plans.items() if p["yanked"]] == ["2.11.1"]
    assert json.loads(json.dumps(plans)) == plans


def test_plan_refuses_what_the_catalog_knows_to_be_other_content() -> None:
    """A release whose notebook.py is another blob would not build, and the plan says so."""
    options = BuildOptions(series=(), naming=NAMING, output=ROOT)
    other = replace(CATALOG.releases[10], notebook_blob="0" * 40)
    series = [load_series(ROOT / "patches" / "proxy")]
    (plan,) = make_plan([other], series, options.naming.make_identity, ())
    assert plan.backend == "refused"
    assert "was not made against blob 000" in plan.reason
