"""Series that are spoilt, or made for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("proxy", "proxy-hardening")
PATCHES = ROOT / "patches"


def spoil(series: Path, old: str, new: str) -> None:
    """Replace a piece of text that is surely there."""
    source = series / "series.toml"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))


def make_series(tmp_path: Path, *tables: str) -> Path:
    """A series of these entries, for 2.2.1 only."""
    series = tmp_path / "mine"
    series.mkdir(exist_ok=True)
    head = 'name = "mine"\nsummary = "s"\nreleases = "==2.2.1"\n'
    (series / "series.toml").write_text(head + "\n".join(tables))
    return series


CODEMOD = """[[patch]]
codemod = "image-types"
paths = ["tensorboard/plugins/image/*.py"]
releases = ">=1"
against = "wheel"
why = "because"
"""
REQUIREMENT = """[[requirement]]
releases = ">=1"
drop = ["Setuptools"]
add = ["six>=2"]
why = "because"
"""
