"""Make and read `dockerfiles/releases.txt`: the facts on each release for the build script.

The script runs without this project's Python code, so it gets the catalog's facts as a table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.releases.catalog import CatalogEntry

TABLE_HEADER = """\
# Made from builder/data/catalog.json and the published wheels; tests/unit/bazel compares it.
# commit: what the release was made from. bazel, sha256: what upstream's CI used (linux, x86_64).
# style: `run` writes plain wheels, `tar` an archive of them. packager: what wrote its metadata.
"""
_NONE = "-"
_GENERATOR = re.compile(r"^Generator: (bdist_wheel|setuptools) \(([0-9.]+)\)\s*$", re.MULTILINE)
# From here on `bazel build //tensorboard/pip_package` gives pip_packages.tar.gz.
_FIRST_ARCHIVE = Version("1.15.0")


class ReleaseRow(NamedTuple):
    """One release; a fact that is not known is `-`."""

    version: str
    commit: str
    bazel: str
    sha256: str
    style: str
    packager: str


def make_release_row(entry: CatalogEntry, wheel_file: str) -> ReleaseRow:
    """Make the row of a release.

    Args:
        entry: the release's entry in the catalog.
        wheel_file: the text of the stock wheel's WHEEL file, or "" if it is not available.
    """
    bazel = entry.bazel
    return ReleaseRow(
        entry.version,
        entry.commit or _NONE,
        _NONE if bazel is None else bazel.ci_version,
        _NONE if bazel is None else bazel.ci_sha256_linux_x86_64,
        "tar" if Version(entry.version) >= _FIRST_ARCHIVE else "run",
        find_packager(wheel_file),
    )


def find_packager(wheel_file: str) -> str:
    """Find the requirements that install the program that wrote a wheel, by its `Generator:`.

    Upstream's build installs the newest setuptools and wheel, which write other metadata. From 70.1
    on setuptools has its own bdist_wheel, which takes precedence over that of `wheel`.
    """
    found = _GENERATOR.search(wheel_file)
    if found is None:
        return _NONE
    name, version = found.groups()
    if name == "setuptools":
        return f"setuptools=={version}"
    return f"wheel=={version},setuptools<70.1"


def render_release_table(rows: Sequence[ReleaseRow]) -> str:
    """Render the table, with its comment."""
    table = [ReleaseRow._fields, *rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(ReleaseRow._fields))]
    lines = ("  ".join(f.ljust(w) for f, w in zip(line, widths, strict=True)) for line in table)
    return TABLE_HEADER + "".join(f"{line.rstrip()}\n" for line in lines)


def parse_release_table(text: str) -> dict[str, ReleaseRow]:
    """Parse the table: version → row."""
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {row.version: row for row in (ReleaseRow(*words) for words in lines[1:])}
