"""dockerfiles/releases.txt says what the catalog and the wheels say."""

from __future__ import annotations

import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.bazel.release_table import (
    ReleaseRow,
    find_packager,
    make_release_row,
    parse_release_table,
    render_release_table,
)
from builder.releases import catalog as catalogs
from tests.support.catalog import make_entry
from tests.support.releases import CATALOG, ROOT, stock_path

TABLE = ROOT / "dockerfiles" / "releases.txt"

_WORD = st.from_regex(r"[a-z0-9.=,<-]{1,20}", fullmatch=True)


def _wheel_file(version: str) -> str:
    release = CATALOG.find_release(version)
    assert release is not None
    with zipfile.ZipFile(stock_path(release.wheel)) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/WHEEL"))
        return wheel.read(name).decode()


def test_the_table_says_what_the_catalog_and_the_wheels_say() -> None:
    """It is made from both; this is what it should be."""
    wanted = render_release_table(
        [make_release_row(e, _wheel_file(e.version)) for e in catalogs.load_entries()]
    )
    assert TABLE.read_text() == wanted


def test_what_is_not_known_is_a_dash() -> None:
    """A release that the catalog knows little of still has all its columns."""
    made = make_release_row(make_entry("9.9.9"), "")
    assert made == ReleaseRow("9.9.9", "-", "-", "-", "tar", "-")
    assert parse_release_table(render_release_table([made])) == {"9.9.9": made}


@given(st.lists(st.builds(ReleaseRow, *[_WORD] * 6), unique_by=lambda r: r.version))
def test_tables_come_back_as_they_were(rows: list[ReleaseRow]) -> None:
    """Whatever the widths."""
    assert list(parse_release_table(render_release_table(rows)).values()) == rows


@pytest.mark.parametrize(
    ("generator", "requirement"),
    [
        ("bdist_wheel (0.34.2)", "wheel==0.34.2,setuptools<70.1"),
        ("setuptools (80.9.0)", "setuptools==80.9.0"),
        ("poetry 1.0", "-"),
    ],
)
def test_the_packager_is_the_one_that_wrote_the_wheel(generator: str, requirement: str) -> None:
    """By its Generator; what we do not know is not guessed."""
    assert find_packager(f"Wheel-Version: 1.0\nGenerator: {generator}\n") == requirement
