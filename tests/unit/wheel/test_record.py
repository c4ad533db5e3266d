"""builder.wheel.record."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installer.records import parse_record_file

from builder.wheel import archive, record
from tests.support.releases import CATALOG, stock_path

paths = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30)


@pytest.mark.parametrize("version", CATALOG.versions)
def test_reads_stock_records_as_installer_does(version: str) -> None:
    """Our reading of every stock RECORD is the installer library's."""
    found = CATALOG.find_release(version)
    assert found is not None
    stock = archive.parse_archive(stock_path(found.wheel).read_bytes(), version)
    content = stock.members[-1].read()
    theirs = list(parse_record_file(content.decode().splitlines()))
    assert [tuple(e) for e in record.parse_record(content)] == theirs


@given(st.lists(paths, unique=True, max_size=8), st.binary(max_size=50))
def test_rewrite_renames_rehashes_and_keeps_the_rest(listed: list[str], content: bytes) -> None:
    """Every path once, renamed; the changed one with its new hash; RECORD itself last and bare."""
    own = "x.dist-info/RECORD"
    listed = [p for p in listed if p != own]
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerows([(p, "sha256=old", "1") for p in listed] + [(own, "", "")])
    changed = {f"new/{p}": content for p in listed[:1]}
    made = record.rewrite_record(
        sink.getvalue().encode(), own, lambda p: f"new/{p}", changed | {"added": content}, ["added"]
    )
    entries = record.parse_record(made)
    assert [e.path for e in entries] == [*(f"new/{p}" for p in listed), "added", f"new/{own}"]
    assert entries[-1] == (f"new/{own}", "", "")
    for entry in entries[:-1]:
        fresh = entry.path in changed or entry.path == "added"
        want = (
            (record.make_record_hash(content), str(len(content))) if fresh else ("sha256=old", "1")
        )
        assert entry[1:] == want


def test_line_ends_are_kept() -> None:
    """A RECORD with CRLF stays one."""
    made = record.rewrite_record(b"a,sha256=x,1\r\nRECORD,,\r\n", "RECORD", str, {})
    assert made == b"a,sha256=x,1\r\nRECORD,,\r\n"


@pytest.mark.parametrize("bad", [b"a,b\n", b"a,b,c,d\n", b"\xff,b,c\n"])
def test_malformed_lines_are_value_errors(bad: bytes) -> None:
    """Other than three fields, or no UTF-8, is refused."""
    with pytest.raises(ValueError, match=r"fields|decode"):
        record.parse_record(bad)
